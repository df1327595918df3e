import { describe, expect, it } from "vitest";
import { Authenticator, type AuthenticatorOptions } from "../../../../src/server/auth/authenticator.ts";
import { hashPassword, parseHash } from "../../../../src/server/auth/password-hash.ts";
import type { Users } from "../../../../src/server/auth/users-file.ts";

const cheap = { ln: 10, r: 8, p: 1 };
const hashOf = async (password: string, cost = cheap) => parseHash(await hashPassword(password, cost));
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

async function setUp(options: Partial<AuthenticatorOptions> = {}) {
  const state = { users: new Map([["ann", await hashOf("secret")]]) as Users, now: 0 };
  const authenticator = new Authenticator({ users: () => state.users, now: () => state.now, ...options });
  return { state, authenticator };
}

describe("basic authentication", () => {
  it("accepts a user's password and refuses others", async () => {
    const { authenticator } = await setUp();
    expect(await authenticator.authenticate("p", basic("ann", "secret"))).toEqual({ outcome: "accepted", user: "ann" });
    expect(await authenticator.authenticate("p", basic("ann", "Secret"))).toEqual({ outcome: "refused", user: "ann" });
    expect(await authenticator.authenticate("p", basic("bob", "secret"))).toEqual({
      outcome: "refused",
      user: undefined,
    });
    expect(await authenticator.authenticate("p", basic("ann", "sec:ret"))).toMatchObject({ outcome: "refused" });
  });

  it("tells missing credentials from malformed ones", async () => {
    const { authenticator } = await setUp();
    for (const header of [undefined, "", "Bearer abc", "Basically"]) {
      expect(await authenticator.authenticate("p", header)).toEqual({ outcome: "missing" });
    }
    for (const header of ["Basic", "Basic ", "basic !!!", "Basic YW5u", `Basic ${"A".repeat(5000)}`]) {
      expect(await authenticator.authenticate("p", header)).toMatchObject({ outcome: "refused" });
    }
  });

  it("limits a peer's failures but lets in what it knows to be right", async () => {
    const { authenticator, state } = await setUp({ failures: { burst: 2, refillMs: 1000 } });
    expect(await authenticator.authenticate("p", basic("ann", "secret"))).toMatchObject({ outcome: "accepted" });
    await authenticator.authenticate("p", basic("ann", "x"));
    await authenticator.authenticate("p", basic("ann", "y"));
    expect(await authenticator.authenticate("p", basic("ann", "z"))).toEqual({
      outcome: "limited",
      retryAfterMs: 1000,
    });
    expect(await authenticator.authenticate("p", basic("ann", "secret"))).toMatchObject({ outcome: "accepted" });
    expect(await authenticator.authenticate("q", basic("ann", "z"))).toMatchObject({ outcome: "refused" });
    state.now += 1000;
    expect(await authenticator.authenticate("p", basic("ann", "z"))).toMatchObject({ outcome: "refused" });
  });

  it("counts attempts made at the same time", async () => {
    const { authenticator } = await setUp({ failures: { burst: 3, refillMs: 1000 } });
    const attempts = Array.from({ length: 20 }, (_, i) => authenticator.authenticate("p", basic("ann", `guess${i}`)));
    const outcomes = (await Promise.all(attempts)).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === "refused")).toHaveLength(3);
    expect(outcomes.filter((outcome) => outcome === "limited")).toHaveLength(17);
  });

  it("does not limit a peer whose requests are right, however many at once", async () => {
    const { authenticator } = await setUp({ failures: { burst: 2, refillMs: 60_000 } });
    const many = Array.from({ length: 50 }, () => authenticator.authenticate("p", basic("ann", "secret")));
    expect(new Set((await Promise.all(many)).map(({ outcome }) => outcome))).toEqual(new Set(["accepted"]));
  });

  it("turns away what would have to wait too long", async () => {
    const { authenticator } = await setUp({ concurrency: 1, maxWaiting: 2, failures: { burst: 100 } });
    const attempts = Array.from({ length: 6 }, (_, i) => authenticator.authenticate("p", basic("ann", `guess${i}`)));
    const outcomes = (await Promise.all(attempts)).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["refused", "refused", "refused", "busy", "busy", "busy"]);
    expect(await authenticator.authenticate("p", basic("ann", "secret"))).toMatchObject({ outcome: "accepted" });
  });

  it("remembers right credentials, and forgets them with time and with the users", async () => {
    const { authenticator, state } = await setUp({ rememberMs: 1000 });
    const slow = await hashOf("secret", { ln: 14, r: 8, p: 4 });
    state.users = new Map([["ann", slow]]);
    const timed = async () => {
      const begin = process.cpuUsage();
      const result = await authenticator.authenticate("p", basic("ann", "secret"));
      const used = process.cpuUsage(begin);
      return { outcome: result.outcome, micros: used.user + used.system };
    };
    const first = await timed();
    const second = await timed();
    expect([first.outcome, second.outcome]).toEqual(["accepted", "accepted"]);
    expect(second.micros).toBeLessThan(first.micros / 4);
    state.now += 1001;
    expect((await timed()).micros).toBeGreaterThan(first.micros / 4);
    state.users = new Map([["ann", await hashOf("new")]]);
    expect(await authenticator.authenticate("p", basic("ann", "secret"))).toMatchObject({ outcome: "refused" });
    expect(await authenticator.authenticate("p", basic("ann", "new"))).toMatchObject({ outcome: "accepted" });
  });

  it("judges by the users in force when the verification ends", async () => {
    const { authenticator, state } = await setUp();
    const changed = new Map([["ann", await hashOf("other")]]);
    const attempt = authenticator.authenticate("p", basic("ann", "secret"));
    state.users = changed;
    expect(await attempt).toMatchObject({ outcome: "refused" });
  });

  it("lets an unknown user cost as much as a known one", async () => {
    const { authenticator, state } = await setUp({ failures: { burst: 1000 } });
    state.users = new Map([["ann", await hashOf("secret", { ln: 14, r: 8, p: 2 })]]);
    const cost = async (user: string) => {
      const micros: number[] = [];
      for (let i = 0; i < 5; i++) {
        const begin = process.cpuUsage();
        await authenticator.authenticate("p", basic(user, `guess${i}`));
        const used = process.cpuUsage(begin);
        micros.push(used.user + used.system);
      }
      return Math.min(...micros);
    };
    const [known, unknown] = [await cost("ann"), await cost("nobody")];
    expect(unknown / known).toBeGreaterThan(0.5);
    expect(unknown / known).toBeLessThan(2);
  });
});
