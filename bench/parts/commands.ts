/** The command line beside everything else: many commands, and the memory that they leave. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDaemon } from "../measure/daemon.ts";
import { compileLimit } from "../measure/limits.ts";
import { residentBytes } from "../measure/machine.ts";
import type { Part } from "../measure/part.ts";
import { percentile } from "../measure/rounds.ts";

const program = join(import.meta.dirname, "../../dist/pm");
const peers = join(import.meta.dirname, "../peers/bin");
const aSecond = 200;
const total = 1000;

export const commands: Part = {
  name: "commands",
  async run({ directory, say }) {
    const empty = compileLimit("empty", directory);
    await using daemon = await openDaemon();
    const { PM_HOST: _, ...env } = daemon.env;
    const run = async (...args: string[]): Promise<number> => {
      const begin = performance.now();
      const child = spawn(program, args, { env, stdio: "ignore" });
      const code = await new Promise((resolve, reject) => {
        child.once("exit", resolve);
        child.once("error", reject);
      });
      if (code !== 0) throw new Error(`pm ${args.join(" ")} exited with ${code}`);
      return performance.now() - begin;
    };
    await sleep(1000);
    for (let index = 0; index < 20; index++) await run("start", "--", empty);
    say(`${total} commands, ${aSecond} a second`);
    const begin = performance.now();
    const running: Promise<number>[] = [];
    for (let index = 0; index < total; index++) {
      running.push(index % 4 === 0 ? run("start", "--", empty) : run("ls", "-q", "--limit", "10"));
      const due = begin + (index * 1000) / aSecond;
      if (due > performance.now()) await sleep(due - performance.now());
    }
    const taken = await Promise.all(running);
    const reached = total / ((performance.now() - begin) / 1000);
    await sleep(12_000);
    return {
      title: "Commands",
      text: "Every fourth one starts a process. `npm run bench:commands` measures single commands beside other process managers.",
      measures: [],
      growths: [],
      figures: [
        { name: `commands a second, of ${aSecond} asked for`, value: reached, unit: "a second" },
        { name: "median of a command", value: percentile(taken, 50), unit: "ms" },
        { name: "99th percentile of a command", value: percentile(taken, 99), unit: "ms" },
        {
          name: "daemon and command host after 1,000 commands",
          value: residentBytes(daemon.pid) / 1e6,
          unit: "MB",
          atMost: 150,
        },
      ],
      absent: ["pueued", "process-compose", "pm2", "supervisord"]
        .filter((peer) => !existsSync(join(peers, peer)))
        .map((peer) => `${peer} is not installed (\`npm run bench:peers\`)`),
    };
  },
};
