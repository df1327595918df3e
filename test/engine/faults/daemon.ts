import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { limit, shimPath, type Wanted } from "../harness.ts";
import type { WrittenInput } from "./input-bytes.ts";

/** Where it kills itself: right before its record of the process is written for the n-th time, or around the message to the shim. */
export type Moment = "record 1" | "record 2" | "record 3" | "told" | "beforeTold";

/** What a daemon is told to do; see `scripted-daemon.ts`. */
export type Order = (
  | { readonly do: "start"; readonly id: string; readonly spec: Wanted }
  | { readonly do: "signal"; readonly id: string; readonly signal: string; readonly dieAt?: Moment }
  | StopOrder<"stop">
  | StopOrder<"restart">
  | { readonly do: "remove"; readonly id: string }
  | { readonly do: "write"; readonly id: string; readonly input: WrittenInput }
) & { readonly requestId?: string };

interface StopOrder<Do> {
  readonly do: Do;
  readonly id: string;
  readonly graceMs: number;
  readonly force: boolean;
  readonly dieAt?: Moment;
}

/** A daemon in a process of its own, to be killed at a chosen moment. */
export class ScriptedDaemon {
  readonly #child: ChildProcess;
  #received = "";
  readonly #news = new EventTarget();

  constructor(runtimeDir: string, orders: readonly Order[]) {
    const script = fileURLToPath(import.meta.resolve("./scripted-daemon.ts"));
    this.#child = spawn(process.execPath, [script, runtimeDir, shimPath, JSON.stringify(orders)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.stdout?.on("data", (data: Buffer) => {
      this.#received += data.toString("utf8");
      this.#news.dispatchEvent(new Event("data"));
    });
    onTestFinished(() => this.kill());
  }

  /** Waits until it has said this: "done 0", "state 1 stopping". */
  async until(said: string): Promise<void> {
    while (!this.#received.includes(`${said}\n`)) await once(this.#news, "data", { signal: limit() });
  }

  /** Until it has killed itself. */
  async death(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await once(this.#child, "close", { signal: limit() });
    }
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await ended;
  }
}
