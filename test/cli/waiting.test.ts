/** Nothing waits in vain: a daemon that does not respond, and one of another version. */
import { chmodSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, type TestContext, vi } from "vitest";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { type Pm, test } from "./support/pm.ts";

/** Calls give up after 30 and 60 seconds; the machine may be busy. */
vi.setConfig({ testTimeout: 400_000 });

describe.concurrent("a daemon that does not respond", () => {
  test("lets every command end, with what it waited for", async ({ pm, onTestFinished }) => {
    const id = await pm.ok([
      "start",
      "-n",
      "api",
      "-l",
      "name=api",
      "--",
      "sh",
      "-c",
      "trap '' TERM; echo here; while :; do sleep 1; done",
    ]);
    const pid = await pm.daemonPid();
    // What waits has no time limit: it asks whether the daemon is there. Some of it is under way by then, and some begins.
    const env = { PM_PATIENCE_MS: "5000" };
    const own = { ...env, PM_NO_HOST: "1" };
    const shown: readonly (readonly [args: string[], code: number, what: RegExp])[] = [
      [["logs", "-f", "api"], 6, /following the output of /],
      [["logs", "-f", "-l", "!none"], 6, /following output/],
      [["attach", "api"], 125, /following the output of /],
      [["run", "--", "sh", "-c", "echo here; sleep 3600"], 125, /following the output of /],
    ];
    const waits: readonly (readonly [args: string[], code: number, what: RegExp])[] = [
      [["wait", id], 125, /waiting for |reading /],
      [["stop", "-t", "600", "api"], 6, /stopping api/],
      [["stop", "-t", "600", "-l", "name=api"], 6, /stopping processes/],
      [["restart", "-t", "600", "api"], 6, /restarting api/],
      [["events"], 6, /streaming events/],
      [["logs", "api"], 6, /reading the output of api/],
    ];
    const follow = shown.map(([args]) => pm.spawn(args, { env }));
    await Promise.all(follow.map((running) => running.saw("here")));
    const begin = (commands: typeof waits) =>
      [env, own].flatMap((one) => commands.map(async (wait) => ({ wait, result: await pm(wait[0], { env: one }) })));
    // Not the last two, which wait for nothing as long as the daemon responds.
    const waiting = begin(waits.slice(0, -2));
    const update = pm(["update", "api", "-l", "a=b"], { env });
    process.kill(pid, "SIGSTOP");
    waiting.push(...begin(waits));
    waiting.push(
      ...follow.map(async ({ ended }, index) => ({ wait: shown[index] as (typeof shown)[0], result: await ended })),
    );
    // Also where the test fails: it is stopped before its directory is removed.
    const goOn = () => {
      try {
        process.kill(pid, "SIGCONT");
      } catch {
        // It has ended.
      }
    };
    onTestFinished(goOn);
    const commands: readonly (readonly [args: string[], code: number, says: RegExp])[] = [
      [["ls", "-q"], 6, /^pm: listing processes took longer than/],
      [["status", "api"], 6, /^pm: reading api took longer than/],
      [["inspect", "api"], 6, /^pm: reading api took longer than/],
      [["start", "true"], 6, /^pm: starting \S+ took longer than/],
      [["kill", "api"], 6, /^pm: sending a signal to api took longer than/],
      [["rm", "-f", "api"], 6, /^pm: removing api took longer than/],
      [["prune"], 6, /^pm: pruning ended processes took longer than/],
      [["queue", "ls"], 6, /^pm: listing queues took longer than/],
      [["daemon", "status"], 6, /^pm: asking the daemon about itself took longer than/],
      [["daemon", "stop"], 6, /^pm: asking the daemon about itself took longer than/],
      [["wait", "-t", "1", "api"], 125, /^pm: "api" did not end within 1 s\n$/],
    ];
    const results = await Promise.all(commands.map(([args]) => pm(args, { env: { PM_NO_HOST: "1" } })));
    for (const { wait, result } of await Promise.all(waiting)) {
      const [args, code, what] = wait;
      expect({ args, ...result }).toMatchObject({ code, err: expect.stringMatching(what) });
      expect(result.err).toMatch(/^pm: (the daemon does not respond|reading \S+ took longer than 30 s$)/m);
    }
    // It had begun, or had not: then its call has a time limit.
    expect(await update).toMatchObject({ code: expect.toSatisfy((code: number) => code === 6 || code === 0) });
    // The cure that they name is one.
    expect(await pm(["daemon", "restart"], { env })).toMatchObject({
      code: 0,
      err: expect.stringContaining(`pm: killed the daemon (pid ${pid}), which did not respond\n`),
    });
    expect(await pm.ok(["inspect", "--format", "state", "api"])).not.toBe("");
    for (const [index, [args, code, says]] of commands.entries()) {
      expect({ args, ...results[index] }).toMatchObject({ args, code, out: "", err: expect.stringMatching(says) });
      if (code === 6) {
        expect(results[index]?.err).toContain(
          "hint: the daemon does not respond: 'pm daemon restart' replaces it, processes keep running; ",
        );
      }
    }
  });
});

/** Stands for a daemon of another version. */
async function pretendDaemon(
  pm: Pm,
  onTestFinished: TestContext["onTestFinished"],
  respond: (method: string) => { status: number; body: object },
): Promise<void> {
  chmodSync(pm.runtimeDir, 0o700);
  const server = createServer((incoming, response) => {
    incoming.resume();
    incoming.once("end", () => {
      const { status, body } = respond(incoming.url ?? "");
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(join(pm.runtimeDir, "pm.sock"), resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
}

function connectError(code: string, reason: string): object {
  const info = create(ErrorInfoSchema, { reason, domain: "pm" });
  const value = Buffer.from(toBinary(ErrorInfoSchema, info)).toString("base64").replace(/=+$/, "");
  return { code, message: "unknown to me", details: [{ type: ErrorInfoSchema.typeName, value }] };
}

describe.concurrent("a daemon of another version", () => {
  for (const [reason, code, status] of [
    ["UNKNOWN_FIELD", "invalid_argument", 400],
    ["UNKNOWN_METHOD", "unimplemented", 501],
  ] as const) {
    test(`${reason}: the cure is pm daemon restart`, async ({ pm, onTestFinished }) => {
      await pretendDaemon(pm, onTestFinished, () => ({ status, body: connectError(code, reason) }));
      for (const args of [
        ["ls", "-q"],
        ["start", "true"],
        ["queue", "ls"],
      ]) {
        const result = await pm(args);
        expect(result.code).not.toBe(0);
        expect(result.err).toContain("hint: client and daemon are of different versions: 'pm daemon restart'");
      }
    });
  }

  test("pm daemon status names both versions", async ({ pm, makePm, onTestFinished }) => {
    const real = makePm();
    await real.ok(["daemon", "start"]);
    chmodSync(pm.runtimeDir, 0o700);
    // A real daemon's responses, but for the version.
    const proxy = createServer((incoming, outgoing) => {
      const { url, method, headers } = incoming;
      const forwarded = request({ socketPath: join(real.runtimeDir, "pm.sock"), path: url, method, headers });
      incoming.pipe(forwarded);
      forwarded.once("response", async (response) => {
        const text = (await Array.fromAsync(response)).join("").replace(/"version":"[^"]+"/, '"version":"9.9.9"');
        outgoing.writeHead(response.statusCode ?? 500, { "content-type": "application/json" }).end(text);
      });
    });
    await new Promise<void>((resolve) => proxy.listen(join(pm.runtimeDir, "pm.sock"), resolve));
    onTestFinished(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    const { code, err } = await pm(["daemon", "status", "-o", "json"]);
    expect(err).toMatch(/^pm: this is version \S+, the daemon is 9\.9\.9\nhint: 'pm daemon restart'/);
    expect(code).toBe(0);
  });
});
