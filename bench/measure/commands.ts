/** Commands of `pm` at a steady rate, each a program of its own, run by the daemon's command host. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BenchDaemon } from "./daemon.ts";
import { percentile } from "./rounds.ts";

const program = join(import.meta.dirname, "../../dist/pm");
const warming = 20;

export interface CommandRate {
  /** How many a second there were. */
  readonly reached: number;
  /** Milliseconds. */
  readonly median: number;
  readonly p99: number;
}

/** Milliseconds that one command takes. */
export async function timeCommand(daemon: BenchDaemon, ...args: string[]): Promise<number> {
  // With a host in its environment a command runs in a process of its own.
  const { PM_HOST: _, ...env } = daemon.env;
  const begin = performance.now();
  const child = spawn(program, args, { env, stdio: "ignore" });
  const code = await new Promise((resolve, reject) => {
    child.once("exit", resolve);
    child.once("error", reject);
  });
  if (code !== 0) throw new Error(`pm ${args.join(" ")} exited with ${code}`);
  return performance.now() - begin;
}

/** Every fourth command starts `executable`, the others list ten. */
export async function commandsAtRate(
  daemon: BenchDaemon,
  executable: string,
  { total, aSecond }: { readonly total: number; readonly aSecond: number },
): Promise<CommandRate> {
  const command = (index: number) =>
    index % 4 === 0 ? timeCommand(daemon, "start", "--", executable) : timeCommand(daemon, "ls", "-q", "--limit", "10");
  for (let index = 0; index < warming; index++) await command(index);
  const begin = performance.now();
  const running: Promise<number>[] = [];
  for (let index = 0; index < total; index++) {
    running.push(command(index));
    const due = begin + (index * 1000) / aSecond;
    if (due > performance.now()) await sleep(due - performance.now());
  }
  const taken = await Promise.all(running);
  const reached = total / ((performance.now() - begin) / 1000);
  return { reached, median: percentile(taken, 50), p99: percentile(taken, 99) };
}
