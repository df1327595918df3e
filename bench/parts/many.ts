/** What many idle processes cost, and how it grows. */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type CommandRate, commandsAtRate, timeCommand } from "../measure/commands.ts";
import { openDaemon } from "../measure/daemon.ts";
import { compileLimit } from "../measure/limits.ts";
import { cpuSeconds, proportionalBytesOutside, residentBytes } from "../measure/machine.ts";
import type { Part } from "../measure/part.ts";
import { median } from "../measure/rounds.ts";
import type { Figure } from "../report/markdown.ts";
import type { Series } from "../report/plot.ts";

const atOnce = 32;
/** The daemon collects what the starts left when it has been quiet for a while. */
const quietMs = 12_000;
/** The daemon looks at all rings once a minute. */
const idleMs = 60_000;
/** Commands beside the processes. */
const beside = { total: 1000, aSecond: 200 };
const lists = 5;

interface Costs {
  readonly startsPerSecond: number;
  readonly daemon: number;
  readonly shims: number;
  readonly files: number;
  readonly idlePercent: number;
  readonly list: number;
  readonly recovery: number;
  readonly recoveredDaemon: number;
  readonly commands: CommandRate;
  readonly withHost: number;
  readonly stopAll: number;
}

export const many: Part = {
  name: "many",
  async run({ directory, say, count: most = 10_000 }) {
    const program = compileLimit("empty", directory);
    const empty = await idleDaemon(false);
    const withHost = await idleDaemon(true);
    const counts = [most / 100, most / 10, most].map(Math.round);
    const costs: Costs[] = [];
    for (const count of counts) {
      say(`${count} processes`);
      costs.push(await measure(count, program));
    }
    const series = (name: string, pick: (cost: Costs) => number): Series => ({
      name,
      points: costs.map((cost, index) => [counts[index] ?? 0, pick(cost)] as const),
    });
    const last = costs.at(-1);
    const allIn = last === undefined ? Number.NaN : (last.daemon * 1e6 + last.shims + last.files) / most / 1000;
    const of = `of ${most}`;
    const figures: Figure[] = [
      { name: "daemon, idle and empty, without the command host", value: empty, unit: "MB", atMost: 70 },
      { name: "daemon, idle and empty, with the command host", value: withHost, unit: "MB", atMost: 90 },
      { name: `daemon with ${most} processes`, value: last?.daemon ?? Number.NaN, unit: "MB", atMost: 180 },
      { name: `all in, for each ${of}`, value: allIn, unit: "kB", atMost: 200 },
      { name: `processor use, ${most} idle`, value: last?.idlePercent ?? Number.NaN, unit: "%", atMost: 0.5 },
      { name: `recovery ${of}`, value: (last?.recovery ?? Number.NaN) / 1000, unit: "s", atMost: 1 },
      { name: "daemon after the recovery", value: last?.recoveredDaemon ?? Number.NaN, unit: "MB" },
      { name: `\`pm ls -q\` ${of}`, value: (last?.list ?? Number.NaN) / 1000, unit: "s", atMost: 0.25 },
      {
        name: `commands beside ${most}, of ${beside.aSecond} a second asked for`,
        value: last?.commands.reached ?? Number.NaN,
        unit: "a second",
        atLeast: beside.aSecond * 0.95,
      },
      { name: "median of such a command", value: last?.commands.median ?? Number.NaN, unit: "ms" },
      { name: "99th percentile of such a command", value: last?.commands.p99 ?? Number.NaN, unit: "ms" },
      { name: "daemon and command host after them", value: last?.withHost ?? Number.NaN, unit: "MB" },
    ];
    return {
      title: "Many processes",
      text: "Each sleeps, with the default output limit. All in: the daemon's resident memory, its shims' proportional memory, and what lies in the runtime directory; what the sleeping programs themselves take is not pm's. Recovery is from the start of the next daemon until it is ready. Then a daemon with a command host takes over: `pm ls -q` is the median of five, and every fourth command beside the processes starts one more.",
      measures: [],
      growths: [
        {
          id: "memory",
          title: "Memory",
          unit: "MB",
          series: [
            series("daemon", ({ daemon }) => daemon),
            series("all shims", ({ shims }) => shims / 1e6),
            series("all files", ({ files }) => files / 1e6),
          ],
        },
        {
          id: "times",
          title: "Times",
          unit: "ms",
          series: [
            series("recovery", ({ recovery }) => recovery),
            series("pm ls -q", ({ list }) => list),
            series("stop all", ({ stopAll }) => stopAll),
            series("a command, p50", ({ commands }) => commands.median),
            series("a command, p99", ({ commands }) => commands.p99),
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

async function measure(count: number, program: string): Promise<Costs> {
  await using daemon = await openDaemon({ commandHost: false });
  const begin = performance.now();
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await daemon.manager.processes.start({ executable: "sleep", args: ["1000000"] });
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
  const recovery = await daemon.replace();
  await sleep(quietMs);
  const recoveredDaemon = residentBytes(daemon.pid) / 1e6;
  await daemon.replace({ commandHost: true });
  await sleep(1000);
  const listed: number[] = [];
  for (let round = -1; round < lists; round++) {
    const taken = await timeCommand(daemon, "ls", "-q");
    if (round >= 0) listed.push(taken);
  }
  const list = median(listed);
  const commands = await commandsAtRate(daemon, program, beside);
  await sleep(quietMs);
  const withHost = residentBytes(daemon.pid) / 1e6;
  const stopped = performance.now();
  for await (const { error } of daemon.manager.processes.stopAll({ all: true })) if (error !== undefined) throw error;
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
    commands,
    withHost,
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
