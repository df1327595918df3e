/** Single processes, lists and watches. */
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { EventType } from "../../../gen/ts/pm/v1/event_pb.ts";
import {
  ListOrder,
  type ProcessService,
  type StopOptions,
  WatchEventType,
  type WatchProcessesResponse,
  WatchRemoval,
} from "../../../gen/ts/pm/v1/process_service_pb.ts";
import { StopOutcome } from "../../../gen/ts/pm/v1/run_pb.ts";
import type { ProcessSpec } from "../../../gen/ts/pm/v1/spec_pb.ts";
import { reasonError } from "../errors.ts";
import { matches } from "../fake-filter.ts";
import type { FakeProcess } from "../fake-process.ts";
import type { FakeWorld } from "../fake-world.ts";
import { intervalMs } from "./interval.ts";

type Calls = Partial<ServiceImpl<typeof ProcessService>>;

/** Sends the signal, and by force another. The receipt and, once it is gone, the process. */
export async function stop(
  world: FakeWorld,
  process: FakeProcess,
  { options, noWait }: { readonly options: StopOptions | undefined; readonly noWait: boolean },
  signal: AbortSignal,
) {
  const requestTime = timestampNow();
  const name = options?.signal || "SIGTERM";
  const wasLiving = process.living;
  process.note(EventType.STOP_REQUESTED);
  process.cancel();
  if (process.running) {
    process.signal(name);
    if (options?.force) {
      process.exit({ signal: "SIGKILL" });
    }
  }
  while (process.running && !noWait) {
    await world.changed(signal);
  }
  const snapshot = process.snapshot();
  const receipt = {
    ...(snapshot.run?.cause && { cause: snapshot.run.cause }),
    signal: name,
    requestTime,
    signalTime: requestTime,
    ...(!process.running && { endTime: timestampNow() }),
    outcome: process.running ? StopOutcome.PENDING : wasLiving ? StopOutcome.STOPPED : StopOutcome.ALREADY_STOPPED,
  };
  return { process: snapshot, receipt };
}

/** @throws NOT_RUNNING */
export function sendSignal(process: FakeProcess, name: string): void {
  if (!process.running) {
    throw reasonError("NOT_RUNNING", "the process has ended", { id: process.id });
  }
  process.signal(name);
}

/** @throws STILL_RUNNING */
export function remove(world: FakeWorld, process: FakeProcess, force: boolean): void {
  if (process.living && !force) {
    throw reasonError("STILL_RUNNING", "the process has not ended", { id: process.id });
  }
  world.remove(process);
}

export function processCalls(world: FakeWorld): Calls {
  return {
    startProcess(request) {
      const existing = world.processes.get(request.id);
      if (existing !== undefined) {
        return { process: existing.snapshot(), existing: true };
      }
      const process = world.make(request);
      world.begin(process);
      return { process: process.snapshot(), existing: false };
    },
    getProcess: ({ process }) => ({ process: world.find(process).snapshot() }),
    listProcesses({ filter, order, pageSize, pageToken }) {
      const found = world.select(filter);
      if (order === ListOrder.CREATED_DESCENDING) {
        found.reverse();
      }
      const from = Number(pageToken);
      const to = pageSize === 0 ? found.length : from + pageSize;
      return {
        processes: found.slice(from, to).map((process) => process.snapshot()),
        nextPageToken: to < found.length ? String(to) : "",
        totalSize: found.length,
        resourceVersion: String(world.version),
      };
    },
    listRuns({ process: ref }) {
      const process = world.find(ref);
      return { processId: process.id, runs: process.runs() };
    },
    async waitProcess({ process: ref }, { signal }) {
      const process = world.find(ref);
      while (process.living) {
        await world.changed(signal);
      }
      const snapshot = process.snapshot();
      return { process: snapshot, ...(snapshot.run && { run: snapshot.run }) };
    },
    stopProcess: (request, { signal }) =>
      stop(world, world.find(request.process), { noWait: request.noWait, options: request.options }, signal),
    signalProcess({ process: ref, signal }) {
      const process = world.find(ref);
      sendSignal(process, signal);
      return { process: process.snapshot() };
    },
    restartProcess({ process: ref, spec }) {
      const process = world.find(ref);
      if (spec !== undefined) {
        process.update({ spec });
      }
      world.restart(process);
      return { process: process.snapshot() };
    },
    updateProcess({ process: ref, updateMask, name, labels, spec }) {
      const process = world.find(ref);
      const paths = updateMask?.paths ?? [];
      const fields = paths.flatMap((path) => (path.startsWith("spec.") ? [path.slice("spec.".length)] : []));
      process.update({
        ...(paths.includes("name") && { name }),
        ...(paths.includes("labels") && { labels }),
        ...((paths.includes("spec") || fields.length > 0) && spec && { spec: changed(process.spec, spec, fields) }),
      });
      return { process: process.snapshot() };
    },
    removeProcess({ process: ref, force }) {
      const process = world.find(ref);
      remove(world, process, force);
      return { id: process.id };
    },
    pruneProcesses({ filter, all, olderThan, dryRun }) {
      const before = Date.now() - (olderThan === undefined ? 0 : intervalMs(olderThan));
      const ended = world
        .selectToChange(filter, all || olderThan !== undefined)
        .filter((process) => !process.living && endMs(process) <= before);
      const freed = ended.reduce((sum, process) => sum + process.output(0).next, 0);
      if (!dryRun) {
        for (const process of ended) world.remove(process);
      }
      return { ids: ended.map(({ id }) => id), freedBytes: BigInt(freed) };
    },
    writeInput({ process: ref, data }) {
      const process = world.find(ref);
      if (!process.running) {
        throw reasonError("INPUT_CLOSED", "nobody reads the input any more", { id: process.id });
      }
      process.input.push(Buffer.from(data));
      process.onInput(data);
      return { inputOffset: BigInt(process.input.reduce((sum, { length }) => sum + length, 0)) };
    },
    async *watchProcesses({ resourceVersion, filter, bookmarkInterval }, { signal }) {
      let seen = resourceVersion === "" ? undefined : BigInt(resourceVersion);
      /** What the watcher knows to fit, with the version that it knows. */
      const known = new Map<string, bigint>();
      for (const { process, version } of world.removed) {
        if (seen !== undefined && version > seen) {
          yield event(WatchEventType.REMOVED, version, process, WatchRemoval.REMOVED);
        }
      }
      for (;;) {
        for (const process of world.processes.values()) {
          const snapshot = process.snapshot();
          const version = BigInt(snapshot.resourceVersion);
          const before = known.get(process.id);
          if (matches(process, filter)) {
            known.set(process.id, version);
            if (before === undefined ? seen === undefined || version > seen : version > before) {
              yield event(before === undefined ? WatchEventType.ADDED : WatchEventType.MODIFIED, version, snapshot);
            }
          } else if (before !== undefined) {
            known.delete(process.id);
            yield event(WatchEventType.REMOVED, version, snapshot, WatchRemoval.FILTER);
          }
        }
        for (const { process, version } of world.removed) {
          if (known.delete(process.id)) {
            yield event(WatchEventType.REMOVED, version, process, WatchRemoval.REMOVED);
          }
        }
        if (seen === undefined) {
          yield event(WatchEventType.BOOKMARK, world.version);
        }
        seen = world.version;
        while (world.version === seen && !(await world.changed(signal, intervalMs(bookmarkInterval)))) {
          yield event(WatchEventType.BOOKMARK, world.version);
        }
      }
    },
  };
}

function event(
  type: WatchEventType,
  version: bigint,
  process?: WatchProcessesResponse["process"],
  removal: WatchRemoval = WatchRemoval.UNSPECIFIED,
) {
  return { type, resourceVersion: String(version), removal, ...(process && { process }) };
}

/** Milliseconds since the epoch; 0 for one that never ran. */
function endMs(process: FakeProcess): number {
  const time = process.snapshot().run?.exitTime;
  return time === undefined ? 0 : Number(time.seconds) * 1000 + time.nanos / 1e6;
}

/** The whole new one, or the old one with some fields of the new one; of nested fields the outermost counts. */
function changed(before: ProcessSpec, now: ProcessSpec, fields: readonly string[]): ProcessSpec {
  if (fields.length === 0) {
    return now;
  }
  const names = new Set(
    fields.map((field) =>
      (field.split(".")[0] as string).replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    ),
  );
  return { ...before, ...Object.fromEntries(Object.entries(now).filter(([name]) => names.has(name))) };
}
