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

/** A process that was selected. */
interface Subject {
  readonly id: string;
  /** As it was before the operation, for of one that is removed nobody can ask any more; undefined: it was gone already. */
  readonly before: ProcessInfo | undefined;
}

type Outcome<Result> = { readonly result: Result } | { readonly error: Failure };

export function batchCalls({ engine, supervision, log }: ServiceDependencies): Methods {
  /** Opens the stream with what is selected, and follows with a result for each. */
  async function* batch<Options, Result>(
    request: BatchRequest,
    handlerContext: HandlerContext,
    convert: (root: Field) => Options,
    operate: (id: string, options: Options, context: RequestContext) => Promise<Result>,
    describe: (subject: Subject, outcome: Outcome<Result>) => object,
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
    const subjects = ids.map((id): Subject => ({ id, before: lookUp(engine, id) }));
    // The work begins before the first frame is fetched.
    const results = eachInParallel(subjects, async (subject) => {
      const { id } = subject;
      try {
        return { subject, outcome: { result: await operate(id, options, shareOf(context, id)) } };
      } catch (error) {
        return { subject, outcome: { error: toFailure(error, log, request.$typeName) } };
      }
    });
    yield { frame: { case: "opened" as const, value: { selected: ids.length } } };
    for await (const { subject, outcome } of results) {
      yield { frame: { case: "result" as const, value: describe(subject, outcome) } };
    }
  }

  const failed = ({ id, before }: Subject, error: Failure) => {
    const process = lookUp(engine, id) ?? before;
    return { process: process === undefined ? { id } : processToProto(process, supervision), error: { ...error } };
  };

  return {
    stopProcesses: (request, handlerContext) =>
      batch(
        request,
        handlerContext,
        (root) => ({ ...stopOptionsFromProto(request.options, root.child("options")), wait: true }),
        (id, options, context) => engine.stop({ id }, options, context),
        (subject, outcome) =>
          "error" in outcome
            ? failed(subject, outcome.error)
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

    removeProcesses: (request, handlerContext) =>
      batch(
        request,
        handlerContext,
        () => request.force,
        (id, force, context) => engine.remove({ id }, force, context),
        ({ id, before }, outcome) => ({
          id,
          name: before?.name ?? "",
          ...("error" in outcome && { error: { ...outcome.error } }),
        }),
      ),
  };

  function describeProcess(subject: Subject, outcome: Outcome<ProcessInfo>) {
    return "error" in outcome
      ? failed(subject, outcome.error)
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
