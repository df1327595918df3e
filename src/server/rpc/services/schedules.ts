import { createHash } from "node:crypto";
import type { ServiceImpl } from "@connectrpc/connect";
import type { ScheduleService } from "../../../../gen/ts/pm/v1/schedule_service_pb.ts";
import type { Cause } from "../../engine/api/cause.ts";
import type { RequestContext } from "../../engine/api/control.ts";
import { requestContext } from "../caller.ts";
import { processToProto } from "../convert/process.ts";
import { requiredName, scheduleFromProto, scheduleToProto } from "../convert/schedule.ts";
import { requiredSpec } from "../convert/spec.ts";
import { checked } from "../edge/field.ts";
import { labels, newId, processName, processRef, token } from "../edge/rules.ts";
import type { ServiceDependencies } from "./dependencies.ts";

/** The contract's ScheduleService. */
export function scheduleService({ engine, supervision }: ServiceDependencies): ServiceImpl<typeof ScheduleService> {
  const { schedules } = supervision;
  return {
    async setSchedule(request, handlerContext) {
      const { schedule, target, context, options } = checked((root) => {
        const at = root.child("schedule");
        if (request.schedule === undefined) {
          at.refuse("is required");
        }
        const { template } = request;
        if (template !== undefined && request.schedule?.process !== undefined) {
          at.child("process").refuse("not together with `template`");
        }
        return {
          schedule: request.schedule === undefined ? null : scheduleFromProto(request.schedule, at),
          target:
            template === undefined
              ? { kind: "there" as const, ref: processRef(request.schedule?.process, at.child("process")) }
              : {
                  kind: "new" as const,
                  start: {
                    id: newId(template.id, root.child("template").child("id")) || idOf(request.schedule?.name ?? ""),
                    name: processName(template.name, root.child("template").child("name")),
                    labels: labels(template.labels, root.child("template").child("labels")),
                    spec: requiredSpec(template.spec, root.child("template").child("spec")),
                  },
                },
          context: requestContext({}, handlerContext, root),
          options: {
            createOnly: request.createOnly,
            resourceVersion: token(request.resourceVersion, root.child("resource_version")),
          },
        };
      });
      if (schedule === null) {
        throw new Error("unreachable: a request without a schedule was refused");
      }
      const processId =
        target.kind === "there" ? engine.get(target.ref).id : (await schedules.create(target.start, context)).id;
      const set = await schedules.set({ ...schedule, processId }, causeOf(context), options);
      return { schedule: scheduleToProto(set), process: processToProto(engine.get({ id: processId }), supervision) };
    },

    getSchedule: (request) => ({ schedule: scheduleToProto(schedules.get(nameOf(request))) }),

    listSchedules: () => ({ schedules: schedules.list().map(scheduleToProto) }),

    async pauseSchedule(request) {
      return { schedule: scheduleToProto(await schedules.pause(nameOf(request), request.paused)) };
    },

    async triggerSchedule(request, handlerContext) {
      const context = checked((root) => requestContext({}, handlerContext, root));
      return { schedule: scheduleToProto(await schedules.trigger(nameOf(request), causeOf(context))) };
    },

    async removeSchedule(request, handlerContext) {
      const context = checked((root) => requestContext({}, handlerContext, root));
      await schedules.remove(nameOf(request), causeOf(context));
      return {};
    },
  };
}

function nameOf(request: { readonly name: string }): string {
  return checked((root) => requiredName(request.name, root.child("name")));
}

function causeOf({ principal, requestId }: RequestContext): Cause {
  return { kind: "request", principal, requestId, detail: "" };
}

/** The same for the same schedule, so that the same request again makes nothing again; a UUID of version 8 (RFC 9562). */
function idOf(schedule: string): string {
  const hash = createHash("sha256").update(`pm/schedule/${schedule}`).digest("hex");
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
