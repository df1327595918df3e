/** The command line beside everything else: many commands, and the memory that they leave. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { commandsAtRate } from "../measure/commands.ts";
import { openDaemon } from "../measure/daemon.ts";
import { compileLimit } from "../measure/limits.ts";
import { residentBytes } from "../measure/machine.ts";
import type { Part } from "../measure/part.ts";

const peers = join(import.meta.dirname, "../peers/bin");
const aSecond = 200;
const total = 1000;

export const commands: Part = {
  name: "commands",
  async run({ directory, say }) {
    const empty = compileLimit("empty", directory);
    await using daemon = await openDaemon();
    await sleep(1000);
    say(`${total} commands, ${aSecond} a second`);
    const { reached, median, p99 } = await commandsAtRate(daemon, empty, { total, aSecond });
    await sleep(12_000);
    return {
      title: "Commands",
      text: "Every fourth one starts a process. `npm run bench:commands` measures single commands beside other process managers.",
      measures: [],
      growths: [],
      figures: [
        { name: `commands a second, of ${aSecond} asked for`, value: reached, unit: "a second" },
        { name: "median of a command", value: median, unit: "ms" },
        { name: "99th percentile of a command", value: p99, unit: "ms" },
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
