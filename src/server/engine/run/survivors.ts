import { readFileSync } from "node:fs";
import type { Survivor } from "../api/control.ts";
import { survivors } from "../shim/descendants.ts";

const maxCommand = 256;

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
export function describeSurvivors(shimPid: number): Survivor[] {
  return survivors(shimPid).map(({ pid, command, state }) => ({
    pid,
    command: commandLine(pid) ?? `[${command}]`,
    state: schedulingStates[state] ?? state,
  }));
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
