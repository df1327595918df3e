/**
 * The long run of the fuzz test.
 *
 * Usage: node scripts/fuzz.ts [CASES [SEED]]   (100000 cases of a random seed)
 */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { join } from "node:path";

const [cases = "100000", seed = String(randomInt(2 ** 30))] = process.argv.slice(2);
if (!/^\d{1,9}$/.test(cases) || !/^\d{1,10}$/.test(seed)) {
  console.error("usage: node scripts/fuzz.ts [CASES [SEED]]");
  process.exit(2);
}
const root = join(import.meta.dirname, "..");
const vitest = join(root, "node_modules/vitest/vitest.mjs");
console.log(`fuzz: ${cases} cases of seed ${seed}`);
const { status } = spawnSync(process.execPath, [vitest, "run", "test/fuzz"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PM_FUZZ_CASES: cases, PM_FUZZ_SEED: seed },
});
process.exitCode = status ?? 1;
