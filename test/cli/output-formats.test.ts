/** `-o`: what programs read of every command. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, vi } from "vitest";
import type { Command } from "../../src/cli/command.ts";
import { registry } from "../../src/cli/commands/registry.ts";
import { test } from "./support/pm.ts";

vi.setConfig({ testTimeout: 300_000 });

// What the build puts in.
Object.assign(globalThis, { __PM_VERSION__: "0.0.0" });

/** Commands whose standard output is something else. */
const others: Readonly<Record<string, string>> = {
  run: "the output of the process",
  attach: "the output of the process",
  ui: "a dashboard",
  "daemon run": "becomes the daemon",
  "daemon check": "text of the daemon's own program",
  "daemon logs": "the log, which is JSON already",
  "install-service": "a unit file",
  import: "a project file; -o says where it goes",
  completion: "a script",
  help: "text for people",
};

async function commands(): Promise<ReadonlyMap<string, Command>> {
  const entries = Object.entries(registry).flatMap(([name, entry]) =>
    "load" in entry
      ? [[name, entry] as const]
      : Object.entries(entry.commands).map(([word, one]) => [`${name} ${word}`, one] as const),
  );
  const loaded = entries
    .filter(([name]) => !name.startsWith("__"))
    .map(async ([name, entry]) => [name, (await entry.load()).command] as const);
  return new Map(await Promise.all(loaded));
}

/** Commands that print one thing after the other, without an end. */
const streams = ["logs", "events"];

test("every command has -o with json, streams jsonl, or something else to print", async () => {
  for (const [name, { options }] of await commands()) {
    const { output } = options;
    const formats = output !== undefined && "complete" in output ? output.complete : undefined;
    const has = Array.isArray(formats) && formats.includes(streams.includes(name) ? "jsonl" : "json");
    expect({ name, has }).toEqual({ name, has: others[name] === undefined });
  }
});

describe.concurrent("-o json, jsonl and name", () => {
  test("of queues and schedules", async ({ pm }) => {
    const json = async (...args: string[]): Promise<unknown> => JSON.parse(await pm.ok([...args, "-o", "json"]));
    expect(await json("queue", "add", "-j", "2", "a")).toMatchObject({ name: "a", parallelism: 2 });
    expect(await pm.ok(["queue", "add", "b", "-o", "name"])).toBe("b");
    expect(await json("queue", "set", "-j", "3", "a")).toMatchObject({ name: "a", parallelism: 3 });
    expect(await json("queue", "pause", "a")).toMatchObject({ name: "a", paused: true });
    expect(await json("queue", "resume", "a", "b")).toMatchObject({ queues: [{ name: "a" }, { name: "b" }] });
    expect(await json("queue", "ls")).toMatchObject({ queues: [{ name: "a" }, { name: "b" }] });
    expect((await pm.ok(["queue", "ls", "-o", "jsonl"])).split("\n").map((line) => JSON.parse(line).name)).toEqual([
      "a",
      "b",
    ]);
    // What fails keeps nothing else from being done.
    const result = await pm(["queue", "rm", "none", "a", "b", "-o", "name"]);
    expect(result).toMatchObject({ code: 3, out: "a\nb\n", err: 'pm: there is no queue "none"\n' });

    // What follows the schedule's name is the command's.
    const added = await pm.ok(["schedule", "add", "-o", "json", "--every", "1h", "s", "true"]);
    expect(JSON.parse(added)).toMatchObject({ name: "s", every: "3600s" });
    expect(await json("schedule", "pause", "s")).toMatchObject({ name: "s", paused: true });
    const several = await pm(["schedule", "resume", "none", "s", "-o", "jsonl"]);
    expect(several).toMatchObject({ code: 3, err: 'pm: there is no schedule "none"\n' });
    expect(JSON.parse(several.out)).toMatchObject({ name: "s" });
    expect(await json("schedule", "run", "s")).toMatchObject({ name: "s" });
    expect(await json("schedule", "ls")).toMatchObject({ schedules: [{ name: "s" }] });
    expect(await json("schedule", "rm", "s")).toEqual({ name: "s" });
    expect(await json("schedule", "ls")).toEqual({ schedules: [] });
  });

  test("of contexts, users and certificates", async ({ pm }) => {
    const json = async (...args: string[]): Promise<unknown> => JSON.parse(await pm.ok([...args, "-o", "json"]));
    expect(await json("context", "add", "box", "--address", "https://box:7443")).toEqual({
      name: "box",
      address: "https://box:7443",
      current: false,
    });
    expect(await json("context", "use", "box")).toEqual({ name: "box" });
    expect(await json("context", "show")).toEqual({ name: "box", address: "https://box:7443" });
    expect(await json("context", "ls")).toMatchObject([{ name: "default" }, { name: "box", current: true }]);
    expect((await pm.ok(["context", "ls", "-o", "jsonl"])).split("\n")).toHaveLength(2);
    expect(await pm.ok(["context", "rm", "box", "-o", "name"])).toBe("box");

    const file = join(pm.runtimeDir, "users");
    const added = await pm(["user", "add", "ann", "--file", file, "-o", "json"], { input: "a long password\n" });
    expect(JSON.parse(added.out)).toEqual({ name: "ann", file });
    expect(await json("user", "ls", "--file", file)).toEqual([{ name: "ann" }]);
    expect(await pm.ok(["user", "ls", "--file", file, "-o", "jsonl"])).toBe('{"name":"ann"}');
    expect(await json("user", "rm", "ann", "--file", file)).toEqual({ name: "ann", file });

    expect(await json("init", "--name", "dev", "--listen", "127.0.0.1:17443")).toMatchObject({ context: "dev" });
    const certificates = (await pm.ok(["cert", "-o", "jsonl"])).split("\n").map((line) => JSON.parse(line));
    expect(certificates.map(({ use }) => use)).toContain("daemon: server");
  });

  test("of the daemon, of what is removed, and of what is changed and inspected", async ({ pm }) => {
    const json = async (...args: string[]) => JSON.parse(await pm.ok([...args, "-o", "json"]));
    const { pid } = await json("daemon", "start");
    expect(await json("daemon", "status")).toMatchObject({ pid });
    const next = await json("daemon", "restart");
    expect(next.pid).not.toBe(pid);
    const id = await pm.ok(["start", "-n", "one", "true"]);
    await pm.ok(["wait", "one"]);
    expect(await json("update", "-n", "two", "one")).toMatchObject({ id, name: "two" });
    expect(await pm.ok(["inspect", "-o", "name", "two"])).toBe("two");
    expect(JSON.parse(await pm.ok(["inspect", "-o", "jsonl", "--all"]))).toMatchObject({ id, runs: [{ number: 1 }] });
    expect(await json("prune", "--dry-run")).toEqual({ ids: [id], freedBytes: expect.stringMatching(/^\d+$/) });
    expect(await pm.ok(["prune", "--dry-run", "-o", "name"])).toBe(id);
    expect(await pm.ok(["prune", "-o", "jsonl"])).toBe(JSON.stringify({ id }));
    expect(await json("daemon", "stop")).toEqual({ pid: next.pid, running: 0 });
    expect(await json("daemon", "stop")).toEqual({});
  });

  test("of projects", async ({ pm }) => {
    const cwd = pm.runtimeDir;
    const json = async (...args: string[]) => JSON.parse(await pm.ok([...args, "-o", "json"], { cwd }));
    writeFileSync(join(cwd, "pm.yaml"), 'name: shop\nprocesses:\n  web: {command: [sleep, "3600"]}\n');
    const plan = await pm(["diff", "-o", "json"], { cwd });
    expect(plan.code).toBe(1);
    expect(JSON.parse(plan.out)).toMatchObject({ steps: [{ name: "web", action: "create" }] });
    expect((await pm(["diff", "-o", "name"], { cwd })).out).toBe("web\n");
    expect(await json("up", "-d")).toMatchObject({
      results: [{ name: "web", action: "create", process: { name: "web" } }],
    });
    expect(await json("project", "ls")).toMatchObject({ projects: [{ name: "shop", members: [{}] }] });
    expect(await pm.ok(["reload", "--all", "-o", "name"], { cwd })).toBe("web");
    expect(await json("scale", "web=2")).toMatchObject({
      results: expect.arrayContaining([expect.objectContaining({ name: "web.2" })]),
    });
    const removed = (await pm.ok(["down", "-o", "jsonl"], { cwd })).split("\n").map((line) => JSON.parse(line));
    expect(removed.every(({ action }) => action === "remove")).toBe(true);
  });
});
