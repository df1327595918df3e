/** How many short lives a second. */
import { availableParallelism } from "node:os";
import { type BenchDaemon, openDaemon } from "../measure/daemon.ts";
import { compileLimit, numberFrom } from "../measure/limits.ts";
import { cpuSeconds, reapedCpuSeconds, zygoteOf } from "../measure/machine.ts";
import type { Part } from "../measure/part.ts";
import { type Measure, median, runRounds } from "../measure/rounds.ts";

const lifecycles = 1000;
const atOnce = 32;

/** Processor time of one life, milliseconds, by who used it; a sample for each round. */
interface Costs {
  readonly daemon: number[];
  readonly client: number[];
  readonly shims: number[];
}

export const lives: Part = {
  name: "lives",
  async run({ rounds, directory, say, count = lifecycles }) {
    const spawner = compileLimit("spawner", directory);
    const empty = compileLimit("empty", directory);
    await using daemon = await openDaemon({ commandHost: false });
    const costs: Costs = { daemon: [], client: [], shims: [] };
    say("lifecycles");
    const measure = await runRounds(livesMeasure({ daemon, spawner, empty, count, costs }), rounds);
    const [own, client, shims] = [costs.daemon, costs.client, costs.shims].map(median) as [number, number, number];
    return {
      title: "Lives",
      text: "The C program does nothing but spawn and reap. A life under pm is three calls, a shim, a ring, a record, a spec, a FIFO and five entries in the journal. The SDK's figure is that of the process that measures; the shims' has the zygote's part and the empty program in it.",
      measures: [measure],
      growths: [],
      figures: [
        { name: "daemon, processor time of a life", value: own, unit: "ms" },
        { name: "SDK, processor time of a life", value: client, unit: "ms" },
        { name: "zygote, shims and programs, processor time of a life", value: shims, unit: "ms" },
        {
          name: "lives that this processor time allows on all cores",
          value: (availableParallelism() * 1000) / (own + client + shims),
          unit: "a second",
        },
      ],
      absent: [],
    };
  },
};

export interface LivesOptions {
  readonly daemon: BenchDaemon;
  /** The compiled programs. */
  readonly spawner: string;
  readonly empty: string;
  readonly count: number;
  readonly costs: Costs;
}

export function livesMeasure({ daemon, spawner, empty, count, costs }: LivesOptions): Measure {
  const pm = async (): Promise<number> => {
    const zygote = zygoteOf(daemon.pid);
    const used = () => ({
      daemon: cpuSeconds(daemon.pid) * 1000,
      shims: (cpuSeconds(zygote) + reapedCpuSeconds(zygote)) * 1000,
    });
    const before = { ...used(), client: process.cpuUsage() };
    const begin = performance.now();
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        const one = await daemon.manager.processes.start({ executable: empty, output: { limitBytes: 4096 } });
        await one.wait({ until: "treeGone" });
        await one.remove();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    const rate = count / ((performance.now() - begin) / 1000);
    const { user, system } = process.cpuUsage(before.client);
    const after = used();
    costs.daemon.push((after.daemon - before.daemon) / count);
    costs.shims.push((after.shims - before.shims) / count);
    costs.client.push((user + system) / 1000 / count);
    return rate;
  };
  return {
    title: `Start, wait and remove, ${atOnce} at a time`,
    unit: "a second",
    better: "higher",
    reference: "posix_spawn in C",
    contenders: [
      { name: "posix_spawn in C", run: () => numberFrom(spawner, String(4 * count), String(atOnce), empty) },
      { name: "pm SDK", run: pm },
    ],
    targets: [{ contender: "pm SDK", ratio: 0.4 }],
  };
}
