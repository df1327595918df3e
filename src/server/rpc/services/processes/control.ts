/** What changes one process: start, stop, signal, restart, update, remove, and pruning. */
import type { ServiceImpl } from "@connectrpc/connect";
import type { ProcessService } from "../../../../../gen/ts/pm/v1/process_service_pb.ts";
import { requestContext } from "../../caller.ts";
import { targetFromProto } from "../../convert/enums.ts";
import { filterFromProto, requireAll, selectsAll } from "../../convert/filter.ts";
import { processToProto } from "../../convert/process.ts";
import { signalName } from "../../convert/signal-name.ts";
import { requiredSpec, specFromProto } from "../../convert/spec.ts";
import { receiptToProto, stopOptionsFromProto } from "../../convert/stop.ts";
import { millisFromDuration } from "../../convert/time.ts";
import { updateFromProto } from "../../convert/update.ts";
import { checked } from "../../edge/field.ts";
import { hourMs, labels, newId, processName, processRef } from "../../edge/rules.ts";
import type { ServiceDependencies } from "../dependencies.ts";

type Methods = Pick<
  ServiceImpl<typeof ProcessService>,
  | "startProcess"
  | "stopProcess"
  | "signalProcess"
  | "restartProcess"
  | "updateProcess"
  | "removeProcess"
  | "pruneProcesses"
>;

const maxAgeRange = { min: 0, max: 1000 * 366 * 24 * hourMs };

export function control({ engine, supervision }: ServiceDependencies): Methods {
  return {
    async startProcess(request, handlerContext) {
      const { start, context } = checked((root) => ({
        start: {
          id: newId(request.id, root.child("id")),
          name: processName(request.name, root.child("name")),
          labels: labels(request.labels, root.child("labels")),
          spec: requiredSpec(request.spec, root.child("spec")),
        },
        context: requestContext({}, handlerContext, root),
      }));
      const { process, existing } = await engine.start(start, context);
      return { process: processToProto(process, supervision), existing };
    },

    async stopProcess(request, handlerContext) {
      const { ref, options, context } = checked((root) => ({
        ref: processRef(request.process, root.child("process")),
        options: { ...stopOptionsFromProto(request.options, root.child("options")), wait: !request.noWait },
        context: requestContext(request, handlerContext, root),
      }));
      const { process, receipt } = await engine.stop(ref, options, context, handlerContext.signal);
      return { process: processToProto(process, supervision), receipt: receiptToProto(receipt) };
    },

    async signalProcess(request, handlerContext) {
      const { ref, signal, context } = checked((root) => ({
        ref: processRef(request.process, root.child("process")),
        signal: signalName(request.signal, root.child("signal")),
        context: requestContext(request, handlerContext, root),
      }));
      return {
        process: processToProto(
          await engine.signal(ref, signal, targetFromProto(request.target), context),
          supervision,
        ),
      };
    },

    async restartProcess(request, handlerContext) {
      const { ref, options, spec, context } = checked((root) => ({
        ref: processRef(request.process, root.child("process")),
        options: stopOptionsFromProto(request.options, root.child("options")),
        spec: request.spec === undefined ? null : specFromProto(request.spec, root.child("spec")),
        context: requestContext(request, handlerContext, root),
      }));
      return {
        process: processToProto(await engine.restart(ref, options, spec, context, handlerContext.signal), supervision),
      };
    },

    async updateProcess(request, handlerContext) {
      const { ref, update, context } = checked((root) => ({
        ref: processRef(request.process, root.child("process")),
        update: updateFromProto(request, root),
        context: requestContext(request, handlerContext, root),
      }));
      return { process: processToProto(await engine.update(ref, update, context), supervision) };
    },

    async removeProcess(request, handlerContext) {
      const { ref, context } = checked((root) => ({
        ref: processRef(request.process, root.child("process")),
        context: requestContext(request, handlerContext, root),
      }));
      return { id: await engine.remove(ref, request.force, context) };
    },

    async pruneProcesses(request, handlerContext) {
      const { filter, olderThanMs, context } = checked((root) => {
        const selected = filterFromProto(request.filter, root.child("filter"));
        if (selectsAll(selected) && request.olderThan === undefined) {
          requireAll(request.all, root);
        }
        return {
          filter: selected,
          olderThanMs: millisFromDuration(request.olderThan, maxAgeRange, root.child("older_than")) ?? 0,
          context: requestContext({}, handlerContext, root),
        };
      });
      const { ids, freedBytes } = await engine.prune(filter, olderThanMs, request.dryRun, context);
      return { ids, freedBytes: BigInt(freedBytes) };
    },
  };
}
