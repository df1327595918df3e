/** How many short lives a second. */
import { openDaemon } from "../measure/daemon.ts";
import { compileLimit, numberFrom } from "../measure/limits.ts";
import { cpuSeconds } from "../measure/machine.ts";
import type { Part } from "../measure/part.ts";
import { median, runRounds } from "../measure/rounds.ts";

const count = 1000;
const atOnce = 32;

export const lives: Part = {
  name: "lives",
  async run({ rounds, directory, say }) {
    const spawner = compileLimit("spawner", directory);
    const empty = compileLimit("empty", directory);
    await using daemon = await openDaemon({ commandHost: false });
    const { processes } = daemon.manager;
    const costs = { daemon: [] as number[], client: [] as number[] };
    const pm = async (): Promise<number> => {
      const before = { daemon: cpuSeconds(daemon.pid), client: process.cpuUsage() };
      const begin = performance.now();
      let left = count;
      const worker = async (): Promise<void> => {
        while (left-- > 0) {
          const one = await processes.start({ executable: empty, output: { limitBytes: 4096 } });
          await one.wait({ until: "treeGone" });
          await one.remove();
        }
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      const rate = count / ((performance.now() - begin) / 1000);
      const { user, system } = process.cpuUsage(before.client);
      costs.daemon.push(((cpuSeconds(daemon.pid) - before.daemon) * 1000) / count);
      costs.client.push((user + system) / 1000 / count);
      return rate;
    };
    say("lifecycles");
    const measure = await runRounds(
      {
        title: `Start, wait and remove, ${atOnce} at a time`,
        unit: "a second",
        better: "higher",
        reference: "posix_spawn in C",
        contenders: [
          { name: "posix_spawn in C", run: () => numberFrom(spawner, String(4 * count), String(atOnce), empty) },
          { name: "pm SDK", run: pm },
        ],
        targets: [{ contender: "pm SDK", ratio: 0.4 }],
      },
      rounds,
    );
    return {
      title: "Lives",
      text: "The C program does nothing but spawn and reap. A life under pm is three calls, a shim, a ring, a record and four entries in the journal.",
      measures: [measure],
      growths: [],
      figures: [
        { name: "daemon, processor time of a life", value: median(costs.daemon), unit: "ms" },
        { name: "SDK, processor time of a life", value: median(costs.client), unit: "ms" },
      ],
      absent: [],
    };
  },
};
