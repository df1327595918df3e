/** What only looks: get, list, runs, watch, wait, stats. */
import type { ServiceImpl } from "@connectrpc/connect";
import type { ProcessService, WaitProcessRequest } from "../../../../../gen/ts/pm/v1/process_service_pb.ts";
import type { ProcessInfo } from "../../../engine/api/process.ts";
import { causeToProto } from "../../convert/cause.ts";
import {
  conditionFromProto,
  orderFromProto,
  type ProcessView,
  removalToProto,
  viewFromProto,
  watchEventToProto,
  wellbeingFromProto,
} from "../../convert/enums.ts";
import { filterFromProto } from "../../convert/filter.ts";
import { approximateSize, processToProto } from "../../convert/process.ts";
import { runToProto } from "../../convert/run.ts";
import { millisFromDuration } from "../../convert/time.ts";
import { sampleToProto } from "../../convert/usage.ts";
import { checked, type Field } from "../../edge/field.ts";
import { hourMs, processRef, token } from "../../edge/rules.ts";
import type { ServiceDependencies } from "../dependencies.ts";
import { heartbeatMs, optionalRun } from "../stream-options.ts";

type Methods = Pick<
  ServiceImpl<typeof ProcessService>,
  "getProcess" | "listProcesses" | "listRuns" | "watchProcesses" | "waitProcess" | "statsProcesses"
>;

const defaultPageSize = 1000;
const maxPageSize = 10_000;
/** Keeps a page below the 4 MiB that stock gRPC clients accept in one message. */
const maxPageBytes = 3 * 1024 * 1024;
const sampleRange = { min: 250, max: hourMs };
const defaultSampleMs = 1000;
const maxSampledMembers = 100;

export function reading({ engine, supervision }: ServiceDependencies): Methods {
  return {
    getProcess(request) {
      const ref = checked((root) => processRef(request.process, root.child("process")));
      return { process: processToProto(engine.get(ref), supervision, viewFromProto(request.view)) };
    },

    async listProcesses(request) {
      const view = viewFromProto(request.view);
      const { filter, pageToken } = checked((root) => ({
        filter: filterFromProto(request.filter, root.child("filter")),
        pageToken: token(request.pageToken, root.child("page_token")),
      }));
      const page = await engine.list(filter, {
        size: Math.min(request.pageSize || defaultPageSize, maxPageSize),
        token: pageToken,
        order: orderFromProto(request.order),
        fits: room(maxPageBytes, view),
      });
      return {
        processes: page.processes.map((process) => processToProto(process, supervision, view)),
        nextPageToken: page.nextPageToken,
        resourceVersion: page.resourceVersion,
        totalSize: page.totalSize,
      };
    },

    listRuns(request) {
      const ref = checked((root) => processRef(request.process, root.child("process")));
      const { processId, runs } = engine.runs(ref);
      return { processId, runs: runs.map(runToProto) };
    },

    async *watchProcesses(request, { signal }) {
      const view = viewFromProto(request.view);
      const options = checked((root) => ({
        resourceVersion: token(request.resourceVersion, root.child("resource_version")),
        filter: filterFromProto(request.filter, root.child("filter")),
        bookmarkMs: heartbeatMs(request.bookmarkInterval, root.child("bookmark_interval")),
      }));
      for await (const event of engine.watch(options, signal)) {
        const type = watchEventToProto[event.type];
        const { resourceVersion } = event;
        switch (event.type) {
          case "bookmark":
            yield { type, resourceVersion };
            break;
          case "removed":
            yield {
              type,
              process: { id: event.id },
              resourceVersion,
              removal: removalToProto[event.removal],
              cause: event.cause === null ? undefined : causeToProto(event.cause),
            };
            break;
          default:
            yield { type, process: processToProto(event.process, supervision, view), resourceVersion };
        }
      }
    },

    async waitProcess(request, { signal }) {
      const { ref, run } = checked((root) => ({
        ref: processRef(request.process, root.child("process")),
        run: runToWaitFor(request, root),
      }));
      const wellbeing = wellbeingFromProto(request.condition);
      if (wellbeing !== undefined) {
        const process = await supervision.waitUntil(ref, wellbeing, signal);
        return { process: processToProto(process, supervision), run: runToProto(process.run) };
      }
      const result = await engine.wait(ref, conditionFromProto(request.condition), run, signal);
      const process = processToProto(result.process, supervision);
      if (result.run === result.process.run) {
        return { process, run: process.run };
      }
      return { process, run: result.run === null ? undefined : runToProto(result.run) };
    },

    async *statsProcesses(request, { signal }) {
      const options = checked((root) => {
        const filter = filterFromProto(request.filter, root.child("filter"));
        if (request.includeMembers && (filter.ids.length === 0 || filter.ids.length > maxSampledMembers)) {
          root.child("include_members").refuse(`needs ids in the filter, at most ${maxSampledMembers}`);
        }
        return {
          filter,
          intervalMs: millisFromDuration(request.interval, sampleRange, root.child("interval")) ?? defaultSampleMs,
          io: request.includeIo,
          members: request.includeMembers,
        };
      });
      for await (const sample of engine.stats(options, signal)) {
        yield { sample: sampleToProto(sample) };
      }
    },
  };
}

/** Whether one process more fits into a message that may have so many bytes. */
function room(bytes: number, view: ProcessView): (process: ProcessInfo) => boolean {
  let left = bytes;
  return (process) => {
    left -= approximateSize(process, view);
    return left >= 0;
  };
}

/** Readiness and health are waited for whichever run it is. */
function runToWaitFor({ condition, run }: WaitProcessRequest, root: Field): number | null {
  if (run !== undefined && wellbeingFromProto(condition) !== undefined) {
    root.child("run").refuse("not together with this `condition`");
  }
  return optionalRun(run, root);
}
