/** "If the stream is lost, 30 seconds remain to resume it with its token; if the daemon is, 5 minutes" (StreamOutput). */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { OutputRun } from "../../src/server/engine/output/directory.ts";
import { Hold } from "../../src/server/engine/output/hold/hold.ts";

const resumeMs = 30_000;
const orphanMs = 300_000;

/** What a shim knows of a hold. */
class Shim {
  deadline = 0;
  /** It is stopped: what it is told it takes only so much later. */
  lateMs = 0;

  async sendHold(_offset: number, milliseconds: number): Promise<void> {
    // The shim counts from when it takes the message.
    if (this.lateMs > 0) await new Promise((resolve) => setTimeout(resolve, this.lateMs));
    this.deadline = performance.now() + milliseconds;
  }

  get leftMs(): number {
    return this.deadline - performance.now();
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

async function attached(): Promise<{ hold: Hold; shim: Shim }> {
  const shim = new Shim();
  const hold = new Hold(shim as unknown as OutputRun, "token", 0);
  hold.attach();
  await hold.told();
  return { hold, shim };
}

test("whenever a daemon dies, 5 minutes remain", async () => {
  const { hold, shim } = await attached();
  for (let second = 0; second < 60; second++) {
    expect(shim.leftMs).toBeGreaterThanOrEqual(orphanMs);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  hold.end();
});

test("also where a shim takes its messages late", async () => {
  const { hold, shim } = await attached();
  shim.lateMs = 4_900;
  for (let second = 0; second < 60; second++) {
    expect(shim.leftMs).toBeGreaterThanOrEqual(orphanMs);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  hold.end();
});

test("when a stream ends, 30 seconds remain and no more", async () => {
  const { hold, shim } = await attached();
  await vi.advanceTimersByTimeAsync(9_000);
  hold.detach();
  await vi.advanceTimersByTimeAsync(0);
  expect(shim.leftMs).toBe(resumeMs);
  await vi.advanceTimersByTimeAsync(resumeMs);
  expect(shim.leftMs).toBe(0);
});

test("one of two streams that ends leaves the other's hold as it was", async () => {
  const { hold, shim } = await attached();
  hold.attach();
  hold.detach();
  await vi.advanceTimersByTimeAsync(25_000);
  expect(shim.leftMs).toBeGreaterThanOrEqual(orphanMs);
  hold.end();
});
