import { describe, expect, it } from "vitest";
import { FailureLimiter } from "../../../../src/server/auth/failure-limiter.ts";

function limiter(options: { burst?: number; refillMs?: number; maxPeers?: number } = {}) {
  const clock = { now: 0 };
  return { clock, limiter: new FailureLimiter({ burst: 3, refillMs: 1000, ...options }, () => clock.now) };
}

describe("the failure limiter", () => {
  it("allows a burst, then one more each refill", () => {
    const { clock, limiter: failures } = limiter();
    for (let i = 0; i < 3; i++) {
      expect(failures.retryAfterMs("10.0.0.1")).toBe(0);
      failures.charge("10.0.0.1");
    }
    expect(failures.retryAfterMs("10.0.0.1")).toBe(1000);
    clock.now += 400;
    expect(failures.retryAfterMs("10.0.0.1")).toBe(600);
    clock.now += 600;
    expect(failures.retryAfterMs("10.0.0.1")).toBe(0);
    failures.charge("10.0.0.1");
    expect(failures.retryAfterMs("10.0.0.1")).toBe(1000);
  });

  it("judges each peer by itself, IPv6 by /64, and IPv4 the same in either notation", () => {
    const { limiter: failures } = limiter({ burst: 1 });
    failures.charge("2001:db8:1:2::1");
    expect(failures.retryAfterMs("2001:db8:1:2:ffff::9")).toBeGreaterThan(0);
    expect(failures.retryAfterMs("2001:db8:1:3::1")).toBe(0);
    expect(failures.retryAfterMs("2001:db8::1")).toBe(0);
    failures.charge("::ffff:10.0.0.1");
    expect(failures.retryAfterMs("10.0.0.1")).toBeGreaterThan(0);
    expect(failures.retryAfterMs("10.0.0.2")).toBe(0);
    failures.charge("fe80::1%eth0");
    expect(failures.retryAfterMs("fe80::2")).toBeGreaterThan(0);
    failures.charge("::1");
    expect(failures.retryAfterMs("::1")).toBeGreaterThan(0);
  });

  it("forgets what succeeded, and never remembers more peers than it may", () => {
    const { limiter: failures } = limiter({ maxPeers: 8 });
    failures.charge("10.0.0.1");
    failures.refund("10.0.0.1");
    expect(failures.size).toBe(0);
    for (let i = 0; i < 1000; i++) {
      failures.charge(`10.0.${i >> 8}.${i & 255}`);
    }
    expect(failures.size).toBe(8);
  });
});
