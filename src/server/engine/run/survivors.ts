import { readFileSync } from "node:fs";
import type { Survivor } from "../api/control.ts";
import { survivors } from "../shim/descendants.ts";
import { procStat } from "../shim/proc-stat.ts";
import type { Remnant } from "./remains.ts";

const maxCommand = 256;
const maxListed = 64;

/** The letters of proc_pid_stat(5) in words. */
export const schedulingStates: Readonly<Record<string, string>> = {
  R: "running",
  S: "sleeping",
  D: "uninterruptible sleep",
  T: "stopped",
  t: "stopped by a debugger",
  I: "idle",
};

/** The living processes below a shim, at most 64, as a person wants to see them. */
export function describeTree(shimPid: number): Survivor[] {
  return survivors(shimPid).map(({ pid, command, state }) => describe(pid, command, state));
}

/** The same of what a killed shim has left. */
export function describeRemains(remains: readonly Remnant[]): Survivor[] {
  const described: Survivor[] = [];
  for (const { pid, start } of remains) {
    const stat = procStat(pid);
    if (stat === null || stat.start !== start || stat.state === "Z" || stat.state === "X") continue;
    described.push(describe(pid, stat.command, stat.state));
    if (described.length === maxListed) break;
  }
  return described;
}

function describe(pid: number, command: string, state: string): Survivor {
  return { pid, command: commandLine(pid) ?? `[${command}]`, state: schedulingStates[state] ?? state };
}

export function commandLine(pid: number): string | null {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    if (line === "") return null;
    const characters = [...line.slice(0, 4 * maxCommand)];
    return characters.length <= maxCommand ? line : `${characters.slice(0, maxCommand - 1).join("")}…`;
  } catch {
    return null;
  }
}
