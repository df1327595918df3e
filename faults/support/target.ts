import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Process } from "../../src/sdk/index.ts";
import type { Scope } from "./scope.ts";

export const targetExit = 7;

/** `programs/target.c`, started: it says on disk how often it began. */
export class Target {
  readonly process: Process;
  readonly #log: string;

  constructor(process: Process, log: string) {
    this.process = process;
    this.#log = log;
  }

  /** How often it was executed. */
  get starts(): number {
    return existsSync(this.#log) ? readFileSync(this.#log, "latin1").split("\n").length - 1 : 0;
  }

  /** Resolves when its current run has said that it began. */
  async began(scope: Scope): Promise<void> {
    for await (const frame of scope.manager.processes.stream(this.process.id, { follow: true })) {
      if (frame.type === "chunk") return;
    }
  }
}

export interface TargetOptions {
  /** Milliseconds between SIGTERM and its end. @default 5 */
  readonly endMs?: number;
  /** @default `targetExit` */
  readonly exitCode?: number;
  /** It ends by itself after so many milliseconds. @default never */
  readonly lastsMs?: number;
  /** Where it says that it began. @default the scope's directory */
  readonly logs?: string;
}

/** What a start of a target takes; the log is where it says that it began. */
export function targetSpec(scope: Scope, program: string, options: TargetOptions = {}) {
  const { endMs = 5, exitCode = targetExit, lastsMs, logs = scope.directory } = options;
  const id = randomUUID();
  const log = join(logs, `target-${id}`);
  const lasts = lastsMs === undefined ? [] : [String(lastsMs)];
  return { log, spec: { id, executable: program, args: [log, String(endMs), String(exitCode), ...lasts] } };
}

export async function startTarget(scope: Scope, program: string, options: TargetOptions = {}): Promise<Target> {
  const { log, spec } = targetSpec(scope, program, options);
  const target = new Target(await scope.manager.processes.start(spec), log);
  if (options.lastsMs === undefined) await target.began(scope);
  return target;
}

/** The reason of an error of the SDK, or what came instead. */
export async function reasonOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "",
    (error: unknown) => (error instanceof Error && "reason" in error ? String(error.reason) : String(error)),
  );
}
