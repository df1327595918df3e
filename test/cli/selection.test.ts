/** Commands that take processes: by reference, pattern, labels, or all. */
import { describe, expect, vi } from "vitest";
import { TestTerminal } from "../support/terminal.ts";
import { limitMs, type Pm, test } from "./support/pm.ts";

async function web(pm: Pm): Promise<void> {
  await pm.ok(["start", "-n", "web-1", "-l", "app=web", "--", "sleep", "3600"]);
  await pm.ok(["start", "-n", "web-2", "-l", "app=web", "-l", "tier=front", "sleep", "3600"]);
  await pm.ok(["start", "-n", "api", "-l", "app=api", "--", "sh", "-c", "echo api; exit 3"]);
}

const lines = (text: string): string[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .sort();

describe.concurrent("C12", () => {
  test("C12 stop takes labels, patterns, several references and --all", async ({ pm }) => {
    await web(pm);
    await pm(["wait", "api"]);
    expect(lines(await pm.ok(["stop", "-l", "tier=front", "web-*"]))).toEqual(["web-2 SIGTERM"]);
    expect(lines(await pm.ok(["stop", "web-?", "api"]))).toEqual(["api 3", "web-1 SIGTERM", "web-2 SIGTERM"]);
    await pm.ok(["restart", "web-1"]);
    // What had ended before is no news.
    expect(lines(await pm.ok(["stop", "--all"]))).toEqual(["web-1 SIGTERM"]);
  });

  test("C12 kill, restart, wait, status, logs, send and rm take them too", async ({ pm }) => {
    await web(pm);
    await pm(["wait", "api"]);
    expect(lines(await pm.ok(["kill", "-CONT", "-l", "app=web"]))).toEqual(["web-1", "web-2"]);
    expect(lines(await pm.ok(["kill", "web-*"]))).toEqual(["web-1 SIGKILL", "web-2 SIGKILL"]);
    expect((await pm(["restart", "web-1", "web-2", "nothing"])).code).toBe(3);
    expect(lines(await pm.ok(["restart", "--all"]))).toEqual(["web-1 SIGTERM", "web-2 SIGTERM"]);
    expect(lines(await pm.ok(["status", "-o", "name", "-l", "app=web"]))).toEqual(["web-1", "web-2"]);
    expect(lines(await pm.ok(["logs", "--no-prefix", "--all"]))).toEqual(["api"]);
    expect(lines(await pm.ok(["logs", "a*"]))).toEqual(["api | api"]);
    await pm.ok(["start", "-n", "cat-1", "-i", "cat"]);
    await pm.ok(["start", "-n", "cat-2", "-i", "cat"]);
    await pm.ok(["send", "--close", "cat-*"], { input: "meow\n" });
    expect(lines(await pm.ok(["wait", "cat-*"]))).toEqual(["cat-1 0", "cat-2 0"]);
    await pm.ok(["wait", "--for", "output", "cat-*"]);
    expect(lines(await pm.ok(["logs", "cat-*"]))).toEqual(["cat-1 | meow", "cat-2 | meow"]);
    expect(lines(await pm.ok(["rm", "-f", "web-*", "api"]))).toEqual(["api", "web-1", "web-2"]);
    expect(lines(await pm.ok(["rm", "--all"]))).toEqual(["cat-1", "cat-2"]);
  });

  test("C12 nothing that fits is no failure with a selector or a pattern, and is one for a name", async ({ pm }) => {
    await pm.ok(["daemon", "start"]);
    for (const command of ["stop", "kill", "restart", "rm", "wait", "status", "logs"]) {
      for (const args of [["-l", "app=none"], ["none-*"], ["--all"]]) {
        expect(await pm([command, ...args]), command).toMatchObject({ code: 0, out: "", err: "" });
      }
      const missing = await pm([command, "none", "nothing"]);
      expect(missing, command).toMatchObject({ code: command === "wait" ? 127 : 3, out: "" });
      expect(lines(missing.err), command).toEqual(['pm: no process "none"', 'pm: no process "nothing"']);
      const twice = await pm([command, "--all", "none"]);
      expect(twice.code, command).toBe(command === "wait" ? 127 : 2);
    }
  });

  test("C12 an empty list through xargs is fine", async ({ pm }) => {
    await pm.ok(["daemon", "start"]);
    expect(await pm.shell("pm ls -aq -l app=web | xargs pm rm")).toMatchObject({ code: 0, out: "" });
    await web(pm);
    const { code, out } = await pm.shell("pm ls -aq -l app=web | xargs pm rm -f");
    expect({ code, count: lines(out).length }).toEqual({ code: 0, count: 2 });
  });

  test("C12 a result per process: what failed is named, and the others are done", async ({ pm }) => {
    await web(pm);
    const { code, out, err } = await pm(["rm", "-o", "json", "web-1", "api", "none"]);
    expect(code).toBe(5);
    const { results } = JSON.parse(out) as { results: { name: string; error?: { reason: string } }[] };
    expect(results.find(({ name }) => name === "web-1")?.error?.reason).toBe("STILL_RUNNING");
    expect(results.find(({ name }) => name === "api")).not.toHaveProperty("error");
    expect(err).toContain("hint: 'pm rm --force web-1' kills it first");
    expect(err).toContain('no process "none"');
    expect(await pm.ok(["ls", "-a", "-o", "name"])).toBe("web-1\nweb-2");
  });

  test("C12 more references than one request holds", async ({ pm }) => {
    await pm.ok(["start", "-n", "one", "--", "true"]);
    const unknown = Array.from(
      { length: 1500 },
      (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
    );
    const { code, out } = await pm(["rm", ...unknown, "one"]);
    expect({ code, out }).toEqual({ code: 3, out: "one\n" });
  });

  test("C12 somebody at a terminal sees how far it is", async ({ pm }) => {
    await pm.ok(["start", "-n", "quick", "--", "sleep", "3600"]);
    const script = 'trap "" TERM; echo ready; while :; do sleep 1; done';
    await pm.ok(["start", "-n", "slow", "--", "sh", "-c", script]);
    await vi.waitFor(async () => expect(await pm.ok(["logs", "slow"])).toBe("ready"), { timeout: limitMs });
    const variables = Object.entries(pm.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const terminal = new TestTerminal("/bin/sh", ["-c", "pm stop -f -t 3 --all; echo code $?; read -r _"], {
      columns: 80,
      rows: 10,
      env: Object.fromEntries(variables),
    });
    await vi.waitFor(() => expect(terminal.raw).toContain("pm: stopping: 1 of 2 done"), { timeout: limitMs });
    await vi.waitFor(() => expect(terminal.raw).toContain("code 0"), { timeout: limitMs });
    expect(terminal.raw).toContain("slow SIGKILL");
    await terminal.close();
  });
});
