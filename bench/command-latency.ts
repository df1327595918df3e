/**
 * How long whole commands take, as ratios to a bare start of the shipped
 * runtime: `npm run bench:commands -- [rounds] [processes]`. The commands of one round run
 * one after the other, so that a machine whose speed drifts slows all of them.
 * Uses a daemon of its own in a private runtime directory.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

const pm = join(import.meta.dirname, "../bin/pm");
const rounds = Number(process.argv[2] ?? 30);
const listed = Number(process.argv[3] ?? 100);

const directory = mkdtempSync("/dev/shm/pm-bench-");
const env = { ...process.env, PM_RUNTIME_DIR: directory };

function run(command: string, args: readonly string[]): { milliseconds: number; stdout: string } {
  const begin = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(command, args, { env, encoding: "utf8" });
  const milliseconds = Number(process.hrtime.bigint() - begin) / 1e6;
  if (status !== 0) {
    throw new Error(`${command} ${args.join(" ")} exited with ${status}: ${stderr}`);
  }
  return { milliseconds, stdout };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

try {
  for (let i = 0; i < listed; i++) {
    run(pm, ["start", "--", "sleep", "3600"]);
  }
  const bare = { title: "node -e 0", command: process.execPath, args: ["-e", "0"] };
  const commands = [
    bare,
    { title: `pm ls (${listed} processes)`, command: pm, args: ["ls"] },
    { title: "pm start -- true", command: pm, args: ["start", "--", "true"] },
    { title: "pm status", command: pm, args: ["status", run(pm, ["ls", "-q"]).stdout.split("\n")[0] ?? ""] },
    { title: "pm version", command: pm, args: ["version", "--client"] },
  ];
  const samples = commands.map((): number[] => []);
  for (let round = -2; round < rounds; round++) {
    commands.forEach(({ command, args }, index) => {
      const { milliseconds } = run(command, args);
      if (round >= 0) {
        samples[index]?.push(milliseconds);
      }
    });
  }
  const base = samples[0] ?? [];
  console.log(`${rounds} rounds; medians`);
  commands.forEach(({ title }, index) => {
    const mine = samples[index] ?? [];
    const ratio = median(mine.map((value, round) => value / (base[round] ?? Number.NaN)));
    console.log(`${title.padEnd(24)} ${median(mine).toFixed(1).padStart(8)} ms ${ratio.toFixed(2).padStart(6)} x`);
  });
} finally {
  spawnSync(pm, ["daemon", "stop", "--stop-processes"], { env, stdio: "inherit" });
  rmSync(directory, { recursive: true, force: true });
}
