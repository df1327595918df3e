import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readScript } from "../../src/cli/code-cache.ts";

test("the build leaves a code cache that V8 takes", () => {
  const dist = join(import.meta.dirname, "../../dist");
  const cache = join(dist, "cli.cache");
  expect(existsSync(cache)).toBe(true);
  expect(readScript(join(dist, "cli.cjs"), cache).cachedDataRejected).toBe(false);
});
