/** StopProcesses, SignalProcesses, RestartProcesses and RemoveProcesses. */
import type { Message } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { ProcessFilter as ProtoFilter } from "../../../../../gen/ts/pm/v1/process_pb.ts";
import type { ProcessService } from "../../../../../gen/ts/pm/v1/process_service_pb.ts";
import type { RequestContext } from "../../../engine/api/control.ts";
import type { Engine } from "../../../engine/api/engine.ts";
import type { ProcessInfo } from "../../../engine/api/process.ts";
import { EngineError } from "../../../engine/errors.ts";
import { eachInParallel, shareOf } from "../../batch.ts";
import { requestContext } from "../../caller.ts";
import { targetFromProto } from "../../convert/enums.ts";
import { changingFilter } from "../../convert/filter.ts";
import { processToProto } from "../../convert/process.ts";
import { signalName } from "../../convert/signal-name.ts";
import { receiptToProto, stopOptionsFromProto } from "../../convert/stop.ts";
import { checked, type Field } from "../../edge/field.ts";
import { type Failure, toFailure } from "../../errors.ts";
import type { ServiceDependencies } from "../dependencies.ts";
import { fingerprintOf } from "./fingerprint.ts";

type Methods = Pick<
  ServiceImpl<typeof ProcessService>,
  "stopProcesses" | "signalProcesses" | "restartProcesses" | "removeProcesses"
>;

interface BatchRequest extends Message {
  readonly filter?: ProtoFilter | undefined;
  readonly all: boolean;
  readonly requestId: string;
}

export function batchCalls({ engine, supervision, log }: ServiceDependencies): Methods {
  /** Opens the stream with what is selected, and follows with a result for each. */
  async function* batch<Options, Result>(
    request: BatchRequest,
    handlerContext: HandlerContext,
    convert: (root: Field) => Options,
    operate: (id: string, options: Options, context: RequestContext) => Promise<Result>,
    describe: (id: string, outcome: { result: Result } | { error: Failure }) => object,
    isWanted: (process: ProcessInfo) => boolean = () => true,
  ) {
    const { options, filter, context } = checked((root) => ({
      options: convert(root),
      filter: changingFilter(request, root),
      context: requestContext(request, handlerContext, root),
    }));
    const select = () =>
      engine.select(filter).filter((id) => {
        const process = lookUp(engine, id);
        return process !== undefined && isWanted(process);
      });
    // The same request again is about the same processes, and not about others that fit its filter by then.
    const ids = context.requestId === "" ? select() : engine.selectOnce(context, fingerprintOf(request), select);
    // The work begins before the first frame is fetched.
    const results = eachInParallel(ids, async (id) => {
      try {
        return { id, outcome: { result: await operate(id, options, shareOf(context, id)) } };
      } catch (error) {
        return { id, outcome: { error: toFailure(error, log, request.$typeName) } };
      }
    });
    yield { frame: { case: "opened" as const, value: { selected: ids.length } } };
    for await (const { id, outcome } of results) {
      yield { frame: { case: "result" as const, value: describe(id, outcome) } };
    }
  }

  const processOf = (id: string) => {
    const process = lookUp(engine, id);
    return process === undefined ? { process: { id } } : { process: processToProto(process, supervision) };
  };

  return {
    stopProcesses: (request, handlerContext) =>
      batch(
        request,
        handlerContext,
        (root) => ({ ...stopOptionsFromProto(request.options, root.child("options")), wait: true }),
        (id, options, context) => engine.stop({ id }, options, context),
        (id, outcome) =>
          "error" in outcome
            ? { ...processOf(id), error: { ...outcome.error } }
            : {
                process: processToProto(outcome.result.process, supervision),
                receipt: receiptToProto(outcome.result.receipt),
              },
      ),

    signalProcesses: (request, handlerContext) =>
      batch(
        request,
        handlerContext,
        (root) => ({
          signal: signalName(request.signal, root.child("signal")),
          target: targetFromProto(request.target),
        }),
        (id, { signal, target }, context) => engine.signal({ id }, signal, target, context),
        describeProcess,
        hasNotEnded,
      ),

    restartProcesses: (request, handlerContext) =>
      batch(
        request,
        handlerContext,
        (root) => stopOptionsFromProto(request.options, root.child("options")),
        (id, options, context) => engine.restart({ id }, options, null, context),
        describeProcess,
      ),

    removeProcesses: (request, handlerContext) => {
      // Of a process that is removed nobody can ask the name any more.
      const names = new Map<string, string>();
      return batch(
        request,
        handlerContext,
        () => request.force,
        (id, force, context) => {
          names.set(id, lookUp(engine, id)?.name ?? "");
          return engine.remove({ id }, force, context);
        },
        (id, outcome) => ({
          id,
          name: names.get(id) ?? "",
          ...("error" in outcome && { error: { ...outcome.error } }),
        }),
      );
    },
  };

  function describeProcess(id: string, outcome: { result: ProcessInfo } | { error: Failure }) {
    return "error" in outcome
      ? { ...processOf(id), error: { ...outcome.error } }
      : { process: processToProto(outcome.result, supervision) };
  }
}

/** What has ended is passed over, unless something of a lost run is known to live. */
function hasNotEnded({ state, run }: ProcessInfo): boolean {
  return ["starting", "running", "stopping"].includes(state) || (state === "lost" && run.survivors.length > 0);
}

/** Undefined: removed meanwhile. */
function lookUp(engine: Engine, id: string): ProcessInfo | undefined {
  try {
    return engine.get({ id });
  } catch (error) {
    if (error instanceof EngineError && error.reason === "PROCESS_NOT_FOUND") {
      return undefined;
    }
    throw error;
  }
}
