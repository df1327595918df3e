import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeManPages } from "../../scripts/release/man-pages.ts";
import { requires } from "../support/requires.ts";

let directory: string;
let pages: readonly string[];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "pm-man-"));
  pages = await writeManPages(directory);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const groff = requires("groff", spawnSync("groff", ["--version"], { stdio: "ignore" }).status === 0);

test.runIf(groff)("groff has nothing to say about any page", () => {
  expect(pages.length).toBeGreaterThan(20);
  for (const page of pages) {
    const { stderr, status } = spawnSync("groff", ["-man", "-ww", "-z", join(directory, page)], { encoding: "utf8" });
    expect({ page, status, stderr }).toEqual({ page, status: 0, stderr: "" });
  }
});

test("a page has the options, exit status and examples that help has", () => {
  const text = readFileSync(join(directory, "pm-stop.1"), "utf8");
  expect(text).toContain("\\fB\\-\\-force\\fR");
  expect(text).toContain(".SH EXIT STATUS");
  expect(text).toContain("pm stop \\-t 30 \\-\\-force api");
});
