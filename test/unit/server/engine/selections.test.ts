import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Selections } from "../../../../src/server/engine/operations/selections.ts";

function setUp(maxBytes?: number) {
  const parent = mkdtempSync(join(tmpdir(), "pm-selections-"));
  onTestFinished(() => rmSync(parent, { recursive: true }));
  const directory = join(parent, "selections");
  const clock = { now: 1000, boot: () => clock.now, wall: () => 0n };
  const warnings: string[] = [];
  const logger = { debug() {}, info() {}, error() {}, warn: (_: object, message: string) => warnings.push(message) };
  const make = () => new Selections(directory, clock, logger, maxBytes);
  let selections = make();
  let selected = 0;
  const select = (requestId: string, principal = "local") =>
    selections.select({ principal, requestId }, "print", () => [String(++selected)])[0];
  const restart = () => {
    selections = make();
  };
  return { directory, clock, warnings, select, restart };
}

test("the same request selects the same, for an hour, of the next daemon too", () => {
  const { clock, select, restart } = setUp();
  expect(select("a")).toBe("1");
  clock.now += 3_599_999;
  restart();
  expect(select("a")).toBe("1");
  clock.now += 1;
  expect(select("a")).toBe("2");
});

test("without a request id nothing is remembered", () => {
  const { directory, select } = setUp();
  expect([select(""), select("")]).toEqual(["1", "2"]);
  expect(() => statSync(directory)).toThrow("ENOENT");
});

test("one user's ids are nothing to another", () => {
  const { select } = setUp();
  expect([select("a", "ann"), select("a", "bob"), select("a", "ann")]).toEqual(["1", "2", "1"]);
});

test("the oldest go where there are too many", () => {
  const { directory, clock, select, restart } = setUp(3 * 4096);
  for (const id of ["a", "b", "c", "d"]) {
    clock.now++;
    select(id);
    restart();
  }
  expect(readdirSync(directory)).toHaveLength(3);
  expect([select("b"), select("c"), select("d"), select("a")]).toEqual(["2", "3", "4", "5"]);
});

test("others cannot read them, and what is no selection goes", () => {
  const { directory, select, restart } = setUp();
  select("a");
  const [name = ""] = readdirSync(directory);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  writeFileSync(join(directory, name), "{");
  writeFileSync(join(directory, "rest.new"), "");
  restart();
  expect(select("a")).toBe("2");
  expect(readdirSync(directory)).toEqual([name]);
});

test("where the file system takes nothing, this daemon remembers all the same", () => {
  const { directory, warnings, select } = setUp();
  mkdirSync(join(directory, ".."), { recursive: true });
  writeFileSync(directory, "");
  expect([select("a"), select("a")]).toEqual(["1", "1"]);
  expect(warnings).toHaveLength(1);
});
