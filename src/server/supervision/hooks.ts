import type { Hook, HookEvent } from "../engine/api/policy.ts";
import type { ProcessInfo } from "../engine/api/process.ts";
import type { Ground } from "./ground.ts";
import { Slots } from "./probe/slots.ts";
import { causeOf, eventOf, keptOf, policyOf } from "./status.ts";

const defaultTimeoutMs = 30_000;
const maxWaiting = 16;
const maxAtATime = 32;
const maxOutputBytes = 1024;

const names: Readonly<Record<HookEvent, string>> = {
  started: "started",
  ready: "ready",
  unhealthy: "unhealthy",
  exited: "exited",
  givenUp: "given-up",
};

/** Runs the commands that are wanted beside a process: one at a time of each process. */
export class Hooks {
  readonly #ground: Ground;
  readonly #waiting = new Map<string, number>();
  readonly #last = new Map<string, Promise<void>>();
  readonly #slots = new Slots(maxAtATime);
  readonly #ending = new AbortController();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  run(process: ProcessInfo, event: HookEvent): void {
    for (const hook of policyOf(process).hooks.filter(({ events }) => events.includes(event))) {
      const waiting = this.#waiting.get(process.id) ?? 0;
      if (waiting >= maxWaiting) {
        this.#failed(process, event, `dropped: ${maxWaiting} wait already`);
        continue;
      }
      this.#waiting.set(process.id, waiting + 1);
      const before = this.#last.get(process.id) ?? Promise.resolve();
      const done = before.then(() => this.#slots.run(() => this.#runOne(process, hook, event)));
      this.#last.set(process.id, done);
      void done.then(() => this.#leave(process.id, done));
    }
  }

  close(): void {
    this.#ending.abort();
  }

  #leave(id: string, done: Promise<void>): void {
    const left = (this.#waiting.get(id) ?? 1) - 1;
    if (left > 0) {
      this.#waiting.set(id, left);
    } else {
      this.#waiting.delete(id);
    }
    if (this.#last.get(id) === done) {
      this.#last.delete(id);
    }
  }

  /** Never throws. */
  async #runOne(process: ProcessInfo, hook: Hook, event: HookEvent): Promise<void> {
    if (this.#ending.signal.aborted) {
      return;
    }
    const { exit } = process.run;
    const env: Record<string, string> = {
      PM_EVENT: names[event],
      PM_PROCESS_ID: process.id,
      PM_PROCESS_NAME: process.name,
      PM_RUN: String(process.run.number),
      ...(event === "exited" && exit !== null
        ? exit.code === null
          ? { PM_EXIT_SIGNAL: exit.signalName }
          : { PM_EXIT_CODE: String(exit.code) }
        : {}),
    };
    const timeoutMs = hook.timeoutMs ?? defaultTimeoutMs;
    const options = { env, timeoutMs, maxOutputBytes };
    const result = await this.#ground.engine.runCommand(process.id, hook.command, options, this.#ending.signal);
    if (result.code !== 0 && !this.#ending.signal.aborted) {
      const how =
        result.problem !== ""
          ? result.problem
          : result.timedOut
            ? `killed after ${timeoutMs} ms`
            : `exit code ${result.code ?? "unknown"}`;
      this.#failed(process, event, `${hook.command.executable}: ${how}`);
    }
  }

  #failed(process: ProcessInfo, event: HookEvent, problem: string): void {
    const { engine, log } = this.#ground;
    try {
      const current = engine.get({ id: process.id });
      engine.setSupervision(process.id, current.run.number, {
        supervision: keptOf(current),
        event: eventOf("hookFailed"),
        cause: causeOf("exit", `hook for ${names[event]}: ${problem}`),
      });
    } catch (error) {
      log.debug({ err: error, process: process.id }, "a hook failed for a process that is gone");
    }
  }
}
