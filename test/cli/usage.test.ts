import { expect } from "vitest";
import { test } from "./support/pm.ts";

test("pm ls -o wide and pm status say what a process and its tree use", async ({ pm }) => {
  await pm.ok(["start", "-n", "tree", "--", "sh", "-c", "sleep 1000 & exec sleep 1000"]);
  const wide = await pm.ok(["ls", "-o", "wide"]);
  expect(wide).toMatch(/CPU +MEMORY +CHILDREN/);
  expect(wide).toMatch(/\d+\.\d% +\d+\.\d [KM]iB +1 /);
  const status = await pm.ok(["status", "tree"]);
  expect(status).toMatch(
    /Uses +\d+\.\d\ds of processor time \(on average \d+\.\d%\), .* resident, 1 descendant, .* read/,
  );
  await pm.ok(["kill", "tree"]);
  await pm.ok(["wait", "tree"]).catch(() => undefined);
  const ended = await pm.ok(["status", "tree"]);
  expect(ended).not.toContain("Uses");
});
