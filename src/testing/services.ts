/** The contract over fake processes: what programs use most. Every other method answers UNIMPLEMENTED. */
import { hostname } from "node:os";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { ConnectRouter } from "@connectrpc/connect";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { OutputEndReason, type OutputStart } from "../../gen/ts/pm/v1/output_pb.ts";
import type { ProcessFilter, ProcessRef } from "../../gen/ts/pm/v1/process_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { StopOutcome } from "../../gen/ts/pm/v1/run_pb.ts";
import { reasonError } from "./errors.ts";
import { FakeProcess, type FakeProgram } from "./fake-process.ts";

/** What the services share: processes by id, and programs by their executable. */
export interface FakeState {
  readonly processes: Map<string, FakeProcess>;
  readonly programs: ReadonlyMap<string, FakeProgram>;
}

export function fakeRoutes({ processes, programs }: FakeState): (router: ConnectRouter) => void {
  const find = (given: ProcessRef | undefined): FakeProcess => {
    const ref = given?.ref;
    const found =
      ref?.case === "id"
        ? processes.get(ref.value)
        : [...processes.values()].findLast(({ name }) => name !== "" && name === ref?.value);
    if (found === undefined) {
      throw reasonError("PROCESS_NOT_FOUND", `there is no process ${ref?.value}`, {
        [ref?.case ?? "id"]: ref?.value ?? "",
      });
    }
    return found;
  };
  const started = new Date();

  return (router) => {
    router.service(DaemonService, {
      getInfo: () => ({
        version: "0.0.0-fake",
        instanceId: "fake",
        pid: process.pid,
        startTime: { seconds: BigInt(Math.floor(started.getTime() / 1000)), nanos: 0 },
        hostname: hostname(),
        limits: { defaultOutputLimitBytes: 2n ** 20n, maxOutputLimitBytes: 2n ** 30n, maxProcesses: 10_000 },
        counts: {},
      }),
    });
    router.service(ProcessService, {
      startProcess({ id, name, labels, spec }) {
        const existing = processes.get(id);
        if (existing !== undefined) {
          return { process: existing.snapshot(), existing: true };
        }
        const program = programs.get(spec?.executable ?? "");
        if (spec === undefined || program === undefined) {
          const message = `cannot start ${JSON.stringify(spec?.executable)}: the fake daemon has no such program`;
          throw reasonError("START_FAILED", message, { step: "EXEC", errno: "2", errno_name: "ENOENT" });
        }
        if ([...processes.values()].some((other) => name !== "" && other.name === name && other.running)) {
          throw reasonError("NAME_IN_USE", `there is a process called ${name}`, { name });
        }
        const process = new FakeProcess({ id, name, labels, spec }, program);
        processes.set(process.id, process);
        process.begin();
        return { process: process.snapshot(), existing: false };
      },
      getProcess: ({ process }) => ({ process: find(process).snapshot() }),
      listProcesses({ filter }) {
        const found = [...processes.values()].filter((process) => matches(process, filter));
        return { processes: found.map((process) => process.snapshot()), totalSize: found.length, resourceVersion: "1" };
      },
      async waitProcess({ process: ref }, { signal }) {
        const process = find(ref);
        while (process.running) {
          await process.changed(signal);
        }
        const snapshot = process.snapshot();
        return { process: snapshot, ...(snapshot.run && { run: snapshot.run }) };
      },
      async stopProcess({ process: ref, options, noWait }, { signal }) {
        const process = find(ref);
        const requestTime = timestampNow();
        const name = options?.signal || "SIGTERM";
        const wasRunning = process.running;
        if (wasRunning) {
          process.signal(name);
          if (options?.force) {
            process.exit({ signal: "SIGKILL" });
          }
        }
        while (process.running && !noWait) {
          await process.changed(signal);
        }
        const snapshot = process.snapshot();
        const receipt = {
          ...(snapshot.run?.cause && { cause: snapshot.run.cause }),
          signal: name,
          requestTime,
          signalTime: requestTime,
          ...(!process.running && { endTime: timestampNow() }),
          outcome: process.running
            ? StopOutcome.PENDING
            : wasRunning
              ? StopOutcome.STOPPED
              : StopOutcome.ALREADY_STOPPED,
        };
        return { process: snapshot, receipt };
      },
      signalProcess({ process: ref, signal }) {
        const process = find(ref);
        if (!process.running) {
          throw reasonError("NOT_RUNNING", "the process has ended", { id: process.id });
        }
        process.signal(signal);
        return { process: process.snapshot() };
      },
      restartProcess({ process: ref }) {
        const process = find(ref);
        process.exit({ signal: "SIGTERM" });
        process.begin();
        return { process: process.snapshot() };
      },
      removeProcess({ process: ref, force }) {
        const process = find(ref);
        if (process.running && !force) {
          throw reasonError("STILL_RUNNING", "the process has not ended", { id: process.id });
        }
        process.exit({ signal: "SIGKILL" });
        processes.delete(process.id);
        return { id: process.id };
      },
      writeInput({ process: ref, data }) {
        const process = find(ref);
        if (!process.running) {
          throw reasonError("INPUT_CLOSED", "nobody reads the input any more", { id: process.id });
        }
        process.input.push(Buffer.from(data));
        process.onInput(data);
        return { inputOffset: BigInt(process.input.reduce((sum, { length }) => sum + length, 0)) };
      },
      async *streamOutput({ process: ref, start, streams, follow }, { signal }) {
        const process = find(ref);
        const { run } = process;
        let next = startOffset(process, start);
        yield opened(process, next);
        for (;;) {
          const { chunks, next: end, exit } = process.output(next);
          for (const chunk of chunks) {
            if (streams.length === 0 || streams.includes(chunk.stream)) {
              yield { frame: { case: "chunk" as const, value: chunk } };
            }
          }
          next = end;
          const over = exit !== undefined || process.run !== run;
          if (over || !follow) {
            const reason = over ? OutputEndReason.COMPLETE : OutputEndReason.SNAPSHOT;
            const value = { finalOffset: BigInt(next), reason, ...(exit && { exit }) };
            yield { frame: { case: "end" as const, value } };
            return;
          }
          await process.changed(signal);
        }
      },
    });
  };
}

function opened(process: FakeProcess, startOffset: number) {
  const { run } = process.snapshot();
  const value = {
    processId: process.id,
    run: process.run,
    startOffset: BigInt(startOffset),
    ...(run?.output && { output: run.output }),
  };
  return { frame: { case: "opened" as const, value } };
}

function startOffset(process: FakeProcess, start: OutputStart | undefined): number {
  const { chunks, next } = process.output(0);
  const { position } = start ?? { position: { case: undefined } };
  switch (position.case) {
    case "offset":
      return Number(position.value);
    case "tailBytes":
      return Math.max(0, next - Number(position.value));
    case "tailLines": {
      const all = Buffer.concat(chunks.map(({ data }) => data));
      let offset = all.length;
      for (let lines = Number(position.value); lines > 0 && offset > 0; lines--) {
        offset = all.lastIndexOf(10, offset - 2) + 1;
        if (offset === 0) {
          break;
        }
      }
      return offset;
    }
    default:
      return 0;
  }
}

function matches(process: FakeProcess, filter: ProcessFilter | undefined): boolean {
  if (filter === undefined) {
    return true;
  }
  const { ids, idPrefixes, names, states, labelSelector, living } = filter;
  const { state } = process.snapshot();
  const selectors = labelSelector.split(",").filter((text) => text !== "");
  const named = ids.length + idPrefixes.length + names.length;
  return (
    (named === 0 ||
      ids.includes(process.id) ||
      names.includes(process.name) ||
      idPrefixes.some((prefix) => process.id.startsWith(prefix))) &&
    (states.length === 0 || states.includes(state)) &&
    (living === undefined || living === process.running) &&
    selectors.every((selector) => {
      const match = /^([^=!\s()]+)==?([^=!\s()]*)$/.exec(selector.trim());
      if (match === null) {
        throw reasonError("INVALID_ARGUMENT", "the fake daemon knows selectors of the form key=value only");
      }
      return process.labels[match[1] as string] === match[2];
    })
  );
}
