/** What many idle processes cost, and how it grows. */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDaemon, runMilliseconds } from "../measure/daemon.ts";
import { cpuSeconds, proportionalBytesOutside, residentBytes } from "../measure/machine.ts";
import type { Part } from "../measure/part.ts";
import type { Figure } from "../report/markdown.ts";
import type { Series } from "../report/plot.ts";

const program = join(import.meta.dirname, "../../dist/pm");
const atOnce = 32;
/** The daemon collects what the starts left when it has been quiet for a while. */
const quietMs = 12_000;
const idleMs = 10_000;

interface Costs {
  readonly startsPerSecond: number;
  readonly daemon: number;
  readonly shims: number;
  readonly files: number;
  readonly idlePercent: number;
  readonly list: number;
  readonly recovery: number;
  readonly recoveredDaemon: number;
  readonly stopAll: number;
}

export const many: Part = {
  name: "many",
  async run({ say }) {
    const empty = await idleDaemon(false);
    const withHost = await idleDaemon(true);
    const counts = [100, 1000, 10_000];
    const costs: Costs[] = [];
    for (const count of counts) {
      say(`${count} processes`);
      costs.push(await measure(count));
    }
    const series = (name: string, pick: (cost: Costs) => number): Series => ({
      name,
      points: costs.map((cost, index) => [counts[index] ?? 0, pick(cost)] as const),
    });
    const last = costs.at(-1);
    const allIn = last === undefined ? Number.NaN : (last.daemon * 1e6 + last.shims + last.files) / 10_000 / 1000;
    const figures: Figure[] = [
      { name: "daemon, idle and empty, without the command host", value: empty, unit: "MB", atMost: 70 },
      { name: "daemon, idle and empty, with the command host", value: withHost, unit: "MB", atMost: 90 },
      { name: "daemon with 10,000 processes", value: last?.daemon ?? Number.NaN, unit: "MB", atMost: 180 },
      { name: "all in, for each of 10,000 processes", value: allIn, unit: "kB", atMost: 200 },
      { name: "processor use, idle", value: last?.idlePercent ?? Number.NaN, unit: "%", atMost: 0.5 },
      { name: "recovery of 10,000", value: (last?.recovery ?? Number.NaN) / 1000, unit: "s", atMost: 1 },
      { name: "`pm ls -q` of 10,000", value: (last?.list ?? Number.NaN) / 1000, unit: "s", atMost: 0.25 },
      { name: "daemon after the recovery", value: last?.recoveredDaemon ?? Number.NaN, unit: "MB" },
    ];
    return {
      title: "Many processes",
      text: "Each sleeps, with the default output limit. All in: the daemon's resident memory, its shims' proportional memory, and what lies in the runtime directory; what the sleeping programs themselves take is not pm's. Recovery is from the start of the next daemon until it is ready.",
      measures: [],
      growths: [
        { id: "memory", title: "Memory of the daemon", unit: "MB", series: [series("daemon", ({ daemon }) => daemon)] },
        {
          id: "times",
          title: "Times",
          unit: "ms",
          series: [
            series("recovery", ({ recovery }) => recovery),
            series("pm ls -q", ({ list }) => list),
            series("stop all", ({ stopAll }) => stopAll),
          ],
        },
        { id: "starts", title: "Starts", unit: "a second", series: [series("starts", (cost) => cost.startsPerSecond)] },
      ],
      figures,
      absent: [],
    };
  },
};

async function idleDaemon(commandHost: boolean): Promise<number> {
  await using daemon = await openDaemon({ commandHost });
  await sleep(quietMs);
  return residentBytes(daemon.pid) / 1e6;
}

async function measure(count: number): Promise<Costs> {
  await using daemon = await openDaemon({ commandHost: false });
  const { processes } = daemon.manager;
  const begin = performance.now();
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await processes.start({ executable: "sleep", args: ["1000000"] });
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const startsPerSecond = count / ((performance.now() - begin) / 1000);
  await sleep(quietMs);
  const before = cpuSeconds(daemon.pid);
  await sleep(idleMs);
  const idlePercent = ((cpuSeconds(daemon.pid) - before) * 100_000) / idleMs;
  const memory = residentBytes(daemon.pid) / 1e6;
  const shims = shimBytes(daemon.directory);
  const files = fileBytes(daemon.directory);
  const list = runMilliseconds(program, ["ls", "-q"], daemon.env);
  const recovery = await daemon.replace();
  await sleep(quietMs);
  const recoveredDaemon = residentBytes(daemon.pid) / 1e6;
  const stopped = performance.now();
  for await (const { error } of processes.stopAll({ all: true })) if (error !== undefined) throw error;
  const stopAll = performance.now() - stopped;
  return {
    startsPerSecond,
    daemon: memory,
    shims,
    files,
    idlePercent,
    list,
    recovery,
    recoveredDaemon,
    stopAll,
  };
}

/** Proportional memory of the daemon's shims, without the rings, which count as files. */
function shimBytes(directory: string): number {
  let bytes = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (readFileSync(`/proc/${name}/comm`, "latin1") !== "pm-shim\n") continue;
      const smaps = readFileSync(`/proc/${name}/smaps`, "latin1");
      if (smaps.includes(`${directory}/`)) bytes += proportionalBytesOutside(smaps, directory);
    } catch (error) {
      // It has ended meanwhile.
      if (!["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
  return bytes;
}

/** What lies on tmpfs, bytes that are really there. */
function fileBytes(directory: string): number {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += lstatSync(join(entry.parentPath, entry.name)).blocks * 512;
  }
  return bytes;
}
