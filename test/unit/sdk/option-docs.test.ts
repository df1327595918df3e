/** What editors show of an option: what it is, in which unit, and what holds without it. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
const files = ["src/sdk/endpoint.ts", "src/sdk/stream/output-stream.ts", "src/testing/fake-daemon.ts"];
const declared = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?^ {2}readonly (\w+)(\??): /gm;

test("every option is documented, with its default and its unit", () => {
  let seen = 0;
  for (const file of [...files, ...globSync("src/sdk/types/*.ts", { cwd: root })]) {
    const text = readFileSync(join(root, file), "utf8");
    const interfaces = text.matchAll(
      /^export interface (\w*(?:Options|Filter|How|Probe|Backoff|RestartPolicy))\b[^{]*\{\n([\s\S]*?)^\}/gm,
    );
    for (const [, name, body = ""] of interfaces) {
      for (const [, doc = "", option = "", optional] of body.matchAll(declared)) {
        seen += 1;
        const where = `${name}.${option}`;
        expect([where, doc.trim()]).not.toEqual([where, ""]);
        if (optional === "?") expect([where, doc]).toEqual([where, expect.stringMatching(/@default \S/)]);
        if (option.endsWith("Ms")) expect([where, doc]).toEqual([where, expect.stringMatching(/milliseconds/i)]);
        if (option.endsWith("Bytes")) expect([where, doc]).toEqual([where, expect.stringMatching(/bytes/i)]);
      }
    }
  }
  expect(seen).toBeGreaterThan(150);
});
