/** When a call is made again, by a clock that the test turns. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Attempts, type AttemptsOptions } from "../../../src/sdk/call/attempts.ts";
import { lostError, unreachableError } from "../../../src/sdk/transport/local-errors.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
});

afterEach(() => {
  vi.useRealTimers();
});

const lost = () => lostError(undefined);
const unreachable = () => unreachableError("unix:///none", undefined);

function attempts(options: Partial<AttemptsOptions> = {}): Attempts {
  return new Attempts({ what: "waiting", repeatable: "always", reconnectMs: 60_000, ...options });
}

/** One attempt that ends with `error` after so many milliseconds; resolves to whether there is to be another one. */
async function attempt(call: Attempts, error: unknown, afterMs = 0): Promise<boolean> {
  call.callOptions();
  await vi.advanceTimersByTimeAsync(afterMs);
  const again = call.again(error).then(
    () => true,
    (thrown) => {
      expect(thrown).toBe(error);
      return false;
    },
  );
  await vi.advanceTimersByTimeAsync(10_000);
  return again;
}

test("a call that waits goes on with the next daemon, however many had it for a while and were killed", async () => {
  const call = attempts();
  for (let kills = 0; kills < 100; kills++) {
    expect(await attempt(call, lost(), 1_000)).toBe(true);
  }
});

test("a call that each daemon dies of gives up after more than five, and not within twenty seconds", async () => {
  const call = attempts();
  call.callOptions();
  const begun = performance.now();
  let losses = 0;
  for (;;) {
    losses += 1;
    const again = call.again(lost()).then(
      () => true,
      () => false,
    );
    await vi.advanceTimersToNextTimerAsync();
    if (!(await again)) break;
    call.callOptions();
  }
  expect(losses).toBeGreaterThan(6);
  expect(performance.now() - begun).toBeGreaterThanOrEqual(20_000);
});

test("losses that a harmless one is between do not count together", async () => {
  const call = attempts();
  for (let row = 0; row < 3; row++) {
    // With one more it would be over.
    for (let losses = 0; losses < 5; losses++) {
      expect(await attempt(call, lost())).toBe(true);
    }
    expect(await attempt(call, lost(), 1_000)).toBe(true);
  }
  for (let losses = 0; losses < 5; losses++) {
    expect(await attempt(call, lost())).toBe(true);
  }
  expect(await attempt(call, lost())).toBe(false);
});

test("between a loss and the search for the next daemon is one pause, not two", async () => {
  const pauses: number[] = [];
  let searches = 0;
  const call = attempts({
    findDaemon: async () => {
      searches += 1;
      return true;
    },
    onConnection: (event) => {
      if (event.type === "disconnected") pauses.push(event.attempt);
    },
  });
  for (let kills = 1; kills <= 3; kills++) {
    await attempt(call, lost());
    await attempt(call, unreachable());
    expect([searches, pauses.length]).toEqual([kills, kills]);
  }
  // A daemon that is gone before it was reached is not started again at once.
  await attempt(call, unreachable());
  expect([searches, pauses.length]).toEqual([4, 4]);
});
