/** Runs the tools of a release. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

export interface RunOptions {
  /** @default the project's root */
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a program to its end.
 *
 * @returns its standard output
 * @throws with its standard error if it fails
 */
export function run(command: string, args: readonly string[], { cwd = root, env = {} }: RunOptions = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, SOURCE_DATE_EPOCH: String(sourceDate()), ...env },
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (error !== undefined || status !== 0) {
    throw new Error(`${command} ${args.slice(0, 3).join(" ")} failed: ${error?.message ?? stderr}`);
  }
  return stdout;
}

let date: number | undefined;

/** The date of everything in a release, in seconds since 1970: that of the last commit, so that two runs agree. */
export function sourceDate(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  date ??= given
    ? Number(given)
    : Number(spawnSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" }).stdout || 0);
  return date;
}
