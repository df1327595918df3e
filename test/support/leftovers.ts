import { readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { expect, vi } from "vitest";

/** Milliseconds that no process needs to end, also on a machine with much else to do. */
const limitMs = 90_000;

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/**
 * Living processes that belong to a runtime directory: they name it in their
 * command line or environment, work in it, or hold a file in it open.
 */
export function processesOf(directory: string): Leftover[] {
  const found: Leftover[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) {
      continue;
    }
    const command = read(`/proc/${pid}/cmdline`);
    const mentions = `${command}\0${read(`/proc/${pid}/environ`)}`.includes(directory);
    const paths = [readLink(`/proc/${pid}/cwd`), ...openFiles(pid)];
    if (isAlive(pid) && (mentions || paths.some((path) => `${path}/`.startsWith(`${directory}/`)))) {
      found.push({ pid, command: command.replaceAll("\0", " ").trim() });
    }
  }
  return found;
}

/**
 * Removes a runtime directory once nobody is left who could write into it: a
 * zygote or a shim ends a moment after its daemon.
 */
export async function removeRuntimeDir(directory: string): Promise<void> {
  // Not expect.poll: that works inside tests only, and this is for hooks too.
  await vi.waitFor(() => expect(processesOf(directory)).toEqual([]), limitMs);
  rmSync(directory, { recursive: true, force: true });
}

/** A zombie has ended; its parent has only not looked yet. */
function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  return state !== "" && state !== "Z" && state !== "X";
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readLink(`/proc/${pid}/fd/${fd}`));
  } catch {
    return [];
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
