import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { limitMs, type Pm, type Running, test } from "./support/pm.ts";

/** More for a longer proof by hand. */
const rounds = Number(process.env["PM_OPERATOR_ROUNDS"] ?? 3);
/** Milliseconds that no round needs, on a machine with 30 others that want to run. */
const roundMs = 400_000;
const script = join(import.meta.dirname, "support/operator.sh");

test("an operator's script is right each time, under a daemon that is killed at random moments", {
  timeout: rounds * roundMs + 2 * limitMs,
}, async ({ pm }) => {
  await pm.ok(["daemon", "start"]);
  const over = new AbortController();
  const killer = new Killer(pm, over.signal);
  const killing = killer.run();
  try {
    for (let round = 1; round <= rounds; round++) {
      const running = pm.spawnShell(`exec bash -x '${script}' ${round}`);
      killer.follow(running);
      await expectRight(pm, running);
    }
  } finally {
    over.abort();
    await killing;
  }
  expect(killer.kills).toBeGreaterThan(0);
});

async function expectRight(pm: Pm, running: Running): Promise<void> {
  let hung = "";
  const limit = setTimeout(() => {
    hung = pm.waiting();
    for (const line of hung.split("\n")) process.kill(Number.parseInt(line, 10), "SIGKILL");
  }, roundMs);
  const { code, out, err } = await running.ended;
  clearTimeout(limit);
  const trace = `${hung === "" ? "" : `it hung; there were\n${hung}\n`}the end of its trace:\n${err.slice(-4000)}`;
  expect({ code, out }, trace).toEqual({ code: 0, out: expect.stringMatching(/right\n$/) });
}

/**
 * Kills one daemon after the other, each a random time after it serves. That
 * time is measured by how long daemons take to begin here and now; and between
 * two kills the script gets on to its next command. So no command meets more
 * than a few of them, however slow the machine.
 */
class Killer {
  kills = 0;
  readonly #pm: Pm;
  readonly #over: AbortSignal;
  /** Commands that the script has begun. */
  #commands = 0;
  #moved = Promise.withResolvers<void>();

  constructor(pm: Pm, over: AbortSignal) {
    this.#pm = pm;
    this.#over = over;
    over.addEventListener("abort", () => this.#moved.resolve());
  }

  /** Its `set -x` tells of each command. */
  follow({ child }: Running): void {
    (child.stderr as Readable).on("data", (text: Buffer) => {
      if (/^\++ /m.test(text.toString())) {
        this.#commands++;
        this.#moved.resolve();
        this.#moved = Promise.withResolvers();
      }
    });
  }

  async run(): Promise<void> {
    let beginMs = 500;
    for (let killed = 0; !this.#over.aborted; ) {
      const since = performance.now();
      const commands = this.#commands;
      const pid = await this.#untilServes(killed);
      if (killed !== 0) beginMs = performance.now() - since;
      while (this.#commands === commands && !this.#over.aborted) await this.#moved.promise;
      await this.#sleep(Math.random() * 4 * beginMs);
      if (this.#over.aborted) return;
      process.kill(pid, "SIGKILL");
      killed = pid;
      this.kills++;
    }
  }

  /** The process id of a daemon that serves, and is not the one that was killed. */
  async #untilServes(killed: number): Promise<number> {
    for (; !this.#over.aborted; await this.#sleep(10)) {
      const pid = Number.parseInt(read(join(this.#pm.runtimeDir, "daemon.pid")), 10);
      if (pid > 0 && pid !== killed && (await serves(join(this.#pm.runtimeDir, "pm.sock")))) return pid;
    }
    return 0;
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#over }).catch(() => {});
  }
}

function serves(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (outcome: boolean) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
