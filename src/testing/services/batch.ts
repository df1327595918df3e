/** Calls by filter: what is selected, then a result for each. */
import { ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import type { ProcessFilter } from "../../../gen/ts/pm/v1/process_pb.ts";
import type { ProcessService } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type { FakeProcess } from "../fake-process.ts";
import type { FakeWorld } from "../fake-world.ts";
import { remove, sendSignal, stop } from "./processes.ts";

export function batchCalls(world: FakeWorld) {
  return {
    stopProcesses: ({ filter, all, options }, { signal }) =>
      each(
        world,
        { filter, all },
        (process) => stop(world, process, { options, noWait: false }, signal),
        (process, error) => ({ process: process.snapshot(), error }),
      ),
    signalProcesses: ({ filter, all, signal }) =>
      each(
        world,
        { filter, all },
        (process) => {
          sendSignal(process, signal);
          return { process: process.snapshot() };
        },
        (process, error) => ({ process: process.snapshot(), error }),
      ),
    restartProcesses: ({ filter, all }) =>
      each(
        world,
        { filter, all },
        (process) => {
          world.restart(process);
          return { process: process.snapshot() };
        },
        (process, error) => ({ process: process.snapshot(), error }),
      ),
    removeProcesses: ({ filter, all, force }) =>
      each(
        world,
        { filter, all },
        (process) => {
          remove(world, process, force);
          return { id: process.id, name: process.name };
        },
        ({ id, name }, error) => ({ id, name, error }),
      ),
  } satisfies Partial<ServiceImpl<typeof ProcessService>>;
}

interface BatchError {
  readonly reason: string;
  readonly message: string;
  readonly metadata: { [name: string]: string };
}

async function* each<Result>(
  world: FakeWorld,
  { filter, all }: { readonly filter: ProcessFilter | undefined; readonly all: boolean },
  change: (process: FakeProcess) => Result | Promise<Result>,
  failed: (process: FakeProcess, error: BatchError) => Result | object,
) {
  const selected = world.selectToChange(filter, all);
  yield { frame: { case: "opened" as const, value: { selected: selected.length } } };
  for (const process of selected) {
    let value: Result | object;
    try {
      value = await change(process);
    } catch (error) {
      value = failed(process, batchError(error));
    }
    yield { frame: { case: "result" as const, value } };
  }
}

export function batchError(thrown: unknown): BatchError {
  const error = ConnectError.from(thrown);
  const info = error.details.find((detail) => "desc" in detail && detail.desc === ErrorInfoSchema);
  const { reason = "INTERNAL", metadata = {} } = (info && "value" in info ? info.value : {}) as Partial<BatchError>;
  return { reason, message: error.rawMessage, metadata };
}
