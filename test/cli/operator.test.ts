import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { test } from "./support/pm.ts";

/** More for a longer proof by hand. */
const rounds = Number(process.env["PM_OPERATOR_ROUNDS"] ?? 3);
const script = readFileSync(join(import.meta.dirname, "support/operator.sh"), "utf8");

test("an operator's script is right each time, under a daemon that is killed at random moments", {
  timeout: rounds * 200_000,
}, async ({ pm }) => {
  await pm.ok(["daemon", "start"]);
  const over = new AbortController();
  let kills = 0;
  const killer = (async () => {
    while (!over.signal.aborted) {
      await sleep(200 + Math.random() * 2500, undefined, { signal: over.signal }).catch(() => {});
      try {
        process.kill(Number(readFileSync(join(pm.runtimeDir, "daemon.pid"), "utf8")), "SIGKILL");
        kills++;
      } catch {
        // It is dead already, and nobody has needed the next one yet.
      }
    }
  })();
  try {
    for (let round = 1; round <= rounds; round++) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      const { code, out, err } = await pm.shell(script.replace("${1:-0}", String(round)));
      expect({ code, out }, err).toEqual({ code: 0, out: expect.stringMatching(/right\n$/) });
    }
  } finally {
    over.abort();
    await killer;
  }
  expect(kills).toBeGreaterThan(0);
});
