import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, vi } from "vitest";
import { freePort } from "../support/free-port.ts";
import { limitMs, type Pm, test } from "./support/pm.ts";

const shop = `name: shop
processes:
  db:
    command: [sh, -c, "echo listening; exec sleep 1000"]
    readiness: { output: listening }
  migrate:
    command: [sh, -c, "echo migrated"]
    depends_on: { db: ready }
  web:
    command: [sh, -c, "echo serving; exec sleep 1000"]
    restart: { mode: always, backoff: 100ms }
    depends_on: { migrate: completed-successfully }
  worker:
    command: [sh, -c, "echo work; exec sleep 1000"]
    replicas: 2
`;

/** A directory with these files, in which commands run. */
function project(pm: Pm, files: Readonly<Record<string, string>>): { readonly cwd: string } {
  const cwd = join(pm.runtimeDir, "project");
  mkdirSync(cwd, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(cwd, name), text);
  }
  return { cwd };
}

async function names(pm: Pm): Promise<string[]> {
  return (await pm.ok(["ls", "-a", "-o", "name"])).split("\n").filter(Boolean).sort();
}

describe("pm up", () => {
  test("starts a project in the background, changes nothing the second time, and is undone by pm down", async ({
    pm,
  }) => {
    const at = project(pm, { "pm.yaml": shop });
    expect(await pm(["diff"], at)).toMatchObject({ code: 1 });
    await pm.ok(["up", "-d"], at);
    await pm.ok(["wait", "--for", "ready", "web"], at);
    expect(await pm(["diff"], at)).toMatchObject({ code: 0, out: "" });
    expect(await pm.ok(["up", "-d"], at)).toBe("");
    expect(await names(pm)).toEqual(["db", "migrate", "web", "worker.1", "worker.2"]);
    await pm.ok(["scale", "worker=1"], at);
    expect(await names(pm)).toEqual(["db", "migrate", "web", "worker.1"]);
    project(pm, { "pm.yaml": shop.replace("echo serving", "echo changed") });
    const changed = await pm(["diff"], at);
    expect(changed.out).toContain("web: restart (spec.args)\n");
    expect(changed.out).not.toContain("db");
    await pm.ok(["reload"], at);
    expect(await pm(["diff"], at)).toMatchObject({ code: 0, out: "" });
    await pm.ok(["down"], at);
    expect(await names(pm)).toEqual([]);
  });

  test("in the foreground shows all output with names in front, and Ctrl-C stops everything", async ({ pm }) => {
    const at = project(pm, { "pm.yaml": shop });
    const up = pm.spawn(["up"], at);
    await up.saw("web        | serving\n");
    await up.saw("worker.2   | work\n");
    up.child.kill("SIGINT");
    const { code, out } = await up.ended;
    expect(code).toBe(130);
    expect(out).toContain("migrate    | migrated\n");
    expect(await names(pm)).toEqual([]);
  });

  test("in the foreground ends with what failed once nothing can go on, and names each", async ({ pm }) => {
    const file = `name: failing
processes:
  migrate: { command: "echo no; exit 3" }
  web: { command: "sleep 1000", depends_on: { migrate: completed-successfully } }
  late: { command: "sleep 1000", depends_on: { web: ready } }
  flaky: { command: "exit 4", restart: { mode: on-failure, max_attempts: 2, backoff: 2s } }
  picky: { command: "exit 5", success_codes: [5] }
  gone: { command: [/no/such] }
`;
    const { code, out, err } = await pm(["up"], project(pm, { "pm.yaml": file }));
    expect({ code, out }).toEqual({ code: 1, out: "migrate    | no\n" });
    const [last = ""] = err.trimEnd().split("\n").slice(-1);
    expect(last).toMatch(/^pm: failed: /);
    for (const named of [
      "migrate (exit code 3)",
      "flaky (given up: exit code 4)",
      "gone (could not be started: ",
      "web (never starts: migrate: it has failed)",
      "late (never starts: ",
    ]) {
      expect(last).toContain(named);
    }
    expect(last).not.toContain("picky");
    expect(err).toContain("pm: picky: exit code 5\n");
    expect(err).toMatch(/^pm: flaky: exit code 4; restarts in \ds \(\d\/2\)$/m);
  });

  test("is a success in the foreground if what was stopped from elsewhere was all that ran", async ({ pm }) => {
    const up = pm.spawn(["up"], project(pm, { "pm.yaml": "processes: { a: { command: echo here; sleep 1000 } }" }));
    await up.saw("a          | here\n");
    await pm.ok(["stop", "a"]);
    expect(await up.ended).toMatchObject({ code: 0 });
  });

  test("ends when everything of the project has ended, with all output", async ({ pm }) => {
    const at = project(pm, { Procfile: "a: echo first; echo last\nb: echo other\n" });
    const { code, out } = await pm(["up"], at);
    expect(code).toBe(0);
    expect(out.split("\n").sort()).toEqual(["", "a          | first", "a          | last", "b          | other"]);
  });

  test("names every mistake of a file with its place, and starts nothing", async ({ pm }) => {
    const at = project(pm, { "pm.yaml": "processes:\n  a:\n    comand: x\n  b:\n\tcommand: y\n" });
    const tab = await pm(["up", "-d"], at);
    expect(tab).toMatchObject({ code: 2, err: expect.stringMatching(/^pm: pm\.yaml:5:\d+: /m) });
    project(pm, { "pm.yaml": "processes:\n  a:\n    comand: x\n  b: { command: y, restart: often }\n" });
    const unknown = await pm(["up", "-d"], at);
    expect(unknown).toMatchObject({
      code: 2,
      err: expect.stringContaining('pm.yaml:3:5: a process has no field "comand"'),
    });
    expect(unknown.err).toContain("pm.yaml:4:");
    expect(await names(pm)).toEqual([]);
    // What only the daemon finds.
    const refused = `processes:
  a: { command: x, stop: { signal: TREM } }
  b: { command: y, readiness: { output: "(" } }
`;
    project(pm, { "pm.yaml": refused });
    const fields = await pm(["up", "-d"], at);
    expect(fields).toMatchObject({ code: 2, err: expect.stringContaining('pm.yaml:2:36: no such signal: "TREM"') });
    expect(fields.err).toContain("pm.yaml:3:41: is no regular expression");
    project(pm, {
      "pm.yaml": 'processes: { a: { command: x } }\nschedules:\n  s: { process: a, cron: "0 0 31 2 *" }\n',
    });
    expect(await pm(["up", "-d"], at)).toMatchObject({
      code: 2,
      err: expect.stringContaining('pm.yaml:3:26: "0 0 31 2 *" is never due'),
    });
    expect(await pm.ok(["project", "ls", "-o", "name"])).toBe("");
    expect(await names(pm)).toEqual([]);
  });
});

test("a web app with its database, a migration, a worker and readiness, from up to down", async ({ pm }) => {
  const [dbPort, webPort] = [await freePort(), await freePort()];
  const server = (port: number, text: string): string =>
    `[${process.execPath}, -e, "require('http').createServer((q, r) => r.end('${text}')).listen(${port}, '127.0.0.1', () => console.log('${text} listens'))"]`;
  const file = `name: shop
env: { LOG: "\${LOG:-info}" }
processes:
  db:
    command: ${server(dbPort, "db")}
    readiness: { tcp: ${dbPort}, interval: 100ms }
    restart: { mode: always, backoff: 200ms }
  migrate:
    command: "echo migrated with $LOG"
    depends_on: { db: ready }
  web:
    command: ${server(webPort, "web")}
    readiness: { http: { port: ${webPort}, path: /up }, interval: 100ms }
    restart: { mode: always, backoff: 500ms }
    depends_on: { db: ready, migrate: completed-successfully }
  worker:
    command: "echo at work; exec sleep 1000"
    restart: { mode: on-failure, max_attempts: 5 }
    depends_on: { web: ready }
`;
  const at = project(pm, { "pm.yaml": file });
  await pm.ok(["up", "-d"], at);
  await pm.ok(["wait", "--for", "ready", "worker"]);
  const started = await Promise.all(
    ["db", "migrate", "web", "worker"].map(async (name) =>
      Date.parse(await pm.ok(["inspect", "--format", "run.startTime", name])),
    ),
  );
  expect(started.toSorted((a, b) => a - b)).toEqual(started);
  expect(await pm.ok(["logs", "migrate"])).toBe("migrated with info");

  await pm.ok(["kill", "-s", "KILL", "web"]);
  const restarts = () => pm.ok(["inspect", "--format", "supervision.restarts", "web"]);
  await vi.waitFor(async () => expect(await restarts()).toBe("1"), limitMs);
  await pm.ok(["wait", "--for", "ready", "web"]);
  expect(await (await fetch(`http://127.0.0.1:${webPort}/up`)).text()).toBe("web");
  expect(await pm(["diff"], at)).toMatchObject({ code: 0 });

  expect(await pm.ok(["project", "ls"])).toMatch(/^shop +3 running, 1 exited +done +.*\/pm\.yaml$/m);
  const shown = JSON.parse(await pm.ok(["project", "show", "shop"])) as { members: { name: string }[] };
  expect(shown.members.map(({ name }) => name)).toEqual(["db", "migrate", "web", "worker"]);
  await pm.ok(["down"], at);
  expect(await names(pm)).toEqual([]);
  expect(await pm(["project", "show", "shop"])).toMatchObject({ code: 3 });
  await expect(fetch(`http://127.0.0.1:${webPort}/up`)).rejects.toThrow();
});

test("pm import writes a pm.yaml that does the same", async ({ pm }) => {
  const at = project(pm, { Procfile: "web: sleep 1000\n" });
  await pm.ok(["import", "-o", "pm.yaml"], at);
  expect(await pm(["import", "-o", "pm.yaml", "Procfile"], at)).toMatchObject({ code: 5 });
  await pm.ok(["up", "-d", "-f", "pm.yaml"], at);
  expect(await pm(["diff", "-f", "Procfile"], at)).toMatchObject({ code: 0 });
});

test("pm queue and pm schedule do what the contract can", async ({ pm }) => {
  await pm.ok(["queue", "add", "q"]);
  await pm.ok(["queue", "pause", "q"]);
  for (const name of ["a", "b"]) {
    await pm.ok(["start", "--queue", "q", "-n", name, "--", "sleep", "1000"]);
  }
  expect(await pm.ok(["ls"])).toMatch(/^a .*queued #1 /m);
  await pm.ok(["queue", "move", "q", "b", "1"]);
  expect(await pm.ok(["queue", "ls"])).toMatch(/^q +paused +0\/1 +- +b, a$/m);
  expect(await pm(["queue", "set", "other", "-j", "2"])).toMatchObject({ code: 3 });
  await pm.ok(["queue", "set", "q", "-j", "2"]);
  await pm.ok(["queue", "resume", "q"]);
  await pm.ok(["wait", "--for", "ready", "a", "b"]);
  await pm.ok(["schedule", "add", "--every", "1h", "hourly", "--", "echo", "done"]);
  await pm.ok(["schedule", "run", "hourly"]);
  await pm.ok(["schedule", "pause", "hourly"]);
  expect(await pm.ok(["schedule", "ls"])).toMatch(/^hourly +hourly +every 1h\S* +- +paused .* started$/m);
  expect(await pm.ok(["status", "hourly"])).toMatch(
    /^Schedule +hourly: every 1h\S*; paused; last \d{4}-\S+Z, started$/m,
  );
  await pm.ok(["schedule", "rm", "hourly"]);
  expect(await pm(["start", "--at", "10m", "true"])).toMatchObject({ code: 2 });
  const later = await pm.ok(["start", "--in", "1h", "true"]);
  expect(await pm.ok(["ls"])).toMatch(new RegExp(`${later.slice(0, 8)}.*waiting (1h00m|59m)`));
});

test("pm ls says what a process waits for; pm wait knows when it has stopped", async ({ pm }) => {
  await pm.ok(["start", "-n", "crash", "--restart", "on-failure:1", "--", "sh", "-c", "exit 3"]);
  await pm.ok(["wait", "--for", "stopped", "crash"]);
  expect(await pm.ok(["ls"])).toMatch(/^crash .*given up /m);
  expect(await pm.ok(["status", "crash"])).toMatch(/^Restart +on-failure, at most 1 attempt in a row; 1 so far$/m);
  expect(await pm(["wait", "--for", "ready", "crash"])).toMatchObject({ code: 125 });
});
