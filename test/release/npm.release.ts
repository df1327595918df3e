/** The npm files, each in an empty project with an empty cache and no compiler in PATH. */
import { existsSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { emptyPlace, released, root, runningFrom } from "./support/place.ts";

const node = join(root, "node_modules/.bin/node");
const npm = realpathSync("/usr/bin/npm");

/** npm as a program of this machine's: its own Node.js is the one in PATH. */
function npmPlace() {
  const place = emptyPlace(node);
  const install = (...args: string[]) => place.run(npm, ["install", "--no-package-lock", ...args]);
  return { place, install };
}

test("the program: one command installs it without a word, and it runs, is upgraded over running processes, and goes", () => {
  const { place, install } = npmPlace();
  using _ = place;
  const file = released(/^process-manager-cli-.*\.tgz$/);
  const installed = install(file);
  expect({ status: installed.status, stderr: installed.stderr }).toEqual({ status: 0, stderr: "" });
  const pm = join(place.directory, "node_modules/.bin/pm");
  const shims = () => runningFrom(join(place.directory, "node_modules")).length;
  try {
    const { status, stdout } = place.run(pm, ["run", "--", "echo", "hello"]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "hello\n" });
    const id = place.run(pm, ["start", "-n", "kept", "--", "sleep", "1000"]).stdout.trim();
    expect(id).toMatch(/^[0-9a-f-]{36}$/);

    expect(place.run(npm, ["uninstall", "process-manager-cli"]).status).toBe(0);
    expect(install(file).status).toBe(0);
    expect(place.run(pm, ["daemon", "stop"]).status).toBe(0);
    const state = place.run(pm, ["status", "-o", "json", "kept"]);
    expect(JSON.parse(state.stdout)).toMatchObject({ id });
    expect(place.run(pm, ["stop", "kept"])).toMatchObject({ status: 0 });
  } finally {
    place.run(pm, ["daemon", "stop", "--stop-processes", "-t", "0"]);
  }
  expect(shims()).toBe(0);
  expect(place.run(npm, ["uninstall", "process-manager-cli"]).status).toBe(0);
  expect(existsSync(join(place.directory, "node_modules/process-manager-cli"))).toBe(false);
  expect(readdirSync(join(place.directory, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([]);
}, 900_000);

test("the SDK: three dependencies, about 5 MB, no warning", () => {
  const { place, install } = npmPlace();
  using _ = place;
  const installed = install(released(/^process-manager-\d.*\.tgz$/));
  expect({ status: installed.status, stderr: installed.stderr }).toEqual({ status: 0, stderr: "" });
  const listed = place.run(npm, ["ls", "--all", "--parseable"]).stdout.trim().split("\n");
  expect(
    listed
      .slice(1)
      .map((path) => path.replace(/^.*node_modules\//, ""))
      .sort(),
  ).toEqual(["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node", "process-manager"]);
  writeFileSync(
    join(place.directory, "a.cjs"),
    'console.log(typeof require("process-manager").ProcessManager.connect)',
  );
  expect(place.run("node", ["a.cjs"])).toEqual({ status: 0, stdout: "function\n", stderr: "" });
}, 600_000);
