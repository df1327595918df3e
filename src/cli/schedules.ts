import type { ProcessInfo, ProcessManager, Schedule } from "../sdk/index.ts";

/** The schedules of processes, by name; without a question if none of them has one. */
export async function schedulesOf(
  manager: ProcessManager,
  processes: readonly ProcessInfo[],
): Promise<ReadonlyMap<string, Schedule>> {
  if (!processes.some(({ supervision }) => supervision?.schedule)) {
    return new Map();
  }
  return new Map((await manager.schedules.list()).map((schedule) => [schedule.name, schedule]));
}
