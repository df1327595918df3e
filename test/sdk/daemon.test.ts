/** The SDK and the real daemon: what survives the daemon's death, byte by byte. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { type ConnectionEvent, PmError, ProcessManager, toContractJson } from "../../src/sdk/index.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";

const limit = 60_000;

async function connect(daemon: TestDaemon): Promise<ProcessManager> {
  const pm = await ProcessManager.connect({ socket: daemon.socketPath });
  onTestFinished(() => pm.close());
  return pm;
}

async function failure(call: Promise<unknown>): Promise<PmError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PmError);
  return error as PmError;
}

test(
  "start, read, write, signal, wait, restart, list, prune, remove",
  async () => {
    const pm = await connect(await startDaemon());
    const info = await pm.info();
    expect(info.counts.running).toBe(0);
    expect(info.startTime.getTime()).toBeLessThanOrEqual(Date.now());

    const cat = await pm.start({ executable: "cat", name: "cat", stdin: "pipe", labels: { kind: "filter" } });
    expect(cat.info).toMatchObject({ state: "running", run: 1, spec: { name: "cat", stdin: "pipe" } });
    expect(toContractJson(cat.info)).toMatchObject({ state: "PROCESS_STATE_RUNNING" });
    await cat.write("text \u2713\n");
    await cat.write(new Uint8Array([0, 255, 10]), { close: true });
    const ended = await cat.wait({ until: "outputComplete" });
    expect(ended.exit).toMatchObject({ code: 0, signalName: "" });
    const { chunks, nextOffset } = await pm.output("cat");
    expect(Buffer.concat(chunks.map(({ data }) => data))).toEqual(
      Buffer.from("text \u2713\n\0\xff\n".replace("\u2713", "\u00e2\u009c\u0093"), "latin1"),
    );
    expect(nextOffset).toBe(12);
    expect((await failure(cat.write("more"))).reason).toMatch(/NOT_RUNNING|INPUT_CLOSED/);

    const sleeper = await pm.start({ executable: "sleep", args: ["1000"] });
    expect((await failure(sleeper.remove())).reason).toBe("STILL_RUNNING");
    await sleeper.signal("USR1");
    expect((await sleeper.wait()).exit).toMatchObject({ signal: 10, signalName: "SIGUSR1" });
    expect((await sleeper.restart()).run).toBe(2);
    const stopped = await sleeper.stop({ graceMs: 10_000 });
    expect(stopped).toMatchObject({ stopped: true, survivors: [], process: { state: "exited" } });

    expect((await pm.listAll({ pageSize: 1 })).map(({ id }) => id)).toEqual([cat.id, sleeper.id]);
    expect((await pm.listAll({ filter: { selector: "kind=filter" } })).map(({ id }) => id)).toEqual([cat.id]);
    expect(await cat.get({ env: true })).toMatchObject({ id: cat.id });
    expect(await pm.prune({ dryRun: true })).toMatchObject({ ids: [cat.id, sleeper.id] });
    await cat.remove();
    expect((await failure(cat.get())).reason).toBe("PROCESS_NOT_FOUND");
  },
  limit,
);

test(
  "a refused start says what the operating system said",
  async () => {
    const pm = await connect(await startDaemon());
    const error = await failure(pm.start({ executable: "/no/such/program" }));
    expect(error).toMatchObject({
      reason: "START_FAILED",
      code: "failed_precondition",
      metadata: { step: "exec", errno: "2", errno_name: "ENOENT", errno_text: "No such file or directory" },
    });
    expect((await failure(pm.start({ executable: "" }))).reason).toBe("INVALID_ARGUMENT");
    expect((await failure(pm.get("no/such"))).reason).toBe("INVALID_ID");
    expect(await pm.listAll()).toEqual([]);
  },
  limit,
);

test(
  "the daemon is killed five times while a follower reads: every byte once",
  async () => {
    const daemon = await startDaemon();
    const pm = await connect(daemon);
    // Numbered lines, slowly enough to be written during the whole test, and all of it kept.
    const script =
      'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); [ $((i % 10)) = 0 ] && sleep 0.01; done; exit 7';
    const process = await pm.start({ executable: "sh", args: ["-c", script], outputLimitBytes: 16 * 1024 * 1024 });
    const expected = Array.from({ length: 3000 }, (_, i) => `line ${i}\n`).join("");

    const events: ConnectionEvent[] = [];
    const waiting = process.wait({ until: "outputComplete" });
    const hash = createHash("sha256");
    let length = 0;
    let kills = 0;
    let working = Promise.resolve();
    const bytes = process.stream({ follow: true, onConnection: (event) => events.push(event) }).bytes();
    for await (const data of bytes) {
      hash.update(data);
      length += data.length;
      if (kills < 5 && length >= (kills + 1) * 4000) {
        kills += 1;
        working = working.then(async () => {
          await daemon.kill9();
          await daemon.restart();
        });
      }
    }
    await working;
    expect(length).toBe(expected.length);
    expect(hash.digest("hex")).toBe(createHash("sha256").update(expected).digest("hex"));
    expect(kills).toBe(5);
    expect(events.filter(({ type }) => type === "disconnected").length).toBeGreaterThanOrEqual(1);
    expect(await waiting).toMatchObject({ id: process.id, state: "exited", exit: { code: 7 } });
  },
  limit,
);

test(
  "a watch begins anew with the next daemon",
  async () => {
    const daemon = await startDaemon();
    const pm = await connect(daemon);
    const { id } = await pm.start({ executable: "sleep", args: ["1000"] });
    const seen: string[] = [];
    for await (const event of pm.watch()) {
      seen.push(event.type);
      if (event.type === "bookmark" && seen.filter((type) => type === "reset").length === 1) {
        await daemon.kill9();
        await daemon.restart();
      } else if (event.type === "added" && seen.filter((type) => type === "reset").length === 2) {
        expect(event.process.id).toBe(id);
        break;
      }
    }
    expect(seen.slice(0, 3)).toEqual(["reset", "added", "bookmark"]);
    expect(seen.slice(3).filter((type) => type === "reset")).toHaveLength(1);
  },
  limit,
);

test(
  "a follower goes on over restarts of the process",
  async () => {
    const pm = await connect(await startDaemon());
    const process = await pm.start({ executable: "sh", args: ["-c", "echo begun; exec sleep 1000"] });
    const runs: number[] = [];
    for await (const frame of process.stream({ follow: true, followRestarts: true })) {
      if (frame.type === "opened") {
        runs.push(frame.run);
      } else if (frame.type === "chunk") {
        expect(Buffer.from(frame.data).toString()).toBe("begun\n");
        if (runs.length === 3) {
          break;
        }
        await process.restart();
      }
    }
    expect(runs).toEqual([1, 2, 3]);
  },
  limit,
);

test(
  "shutdown ends streams, and leaves the processes to the next daemon",
  async () => {
    const daemon = await startDaemon();
    const pm = await connect(daemon);
    const process = await pm.start({ executable: "sleep", args: ["1000"] });
    const frames = process.stream({ follow: true, reconnect: false })[Symbol.asyncIterator]();
    expect((await frames.next()).value?.type).toBe("opened");
    expect(await pm.shutdown()).toBe(1);
    expect((await failure(frames.next())).reason).toMatch(/SHUTTING_DOWN|DISCONNECTED/);
    await daemon.exited;
    expect((await failure(pm.info())).reason).toBe("UNREACHABLE");
    await daemon.restart();
    expect((await process.get()).state).toBe("running");
    expect(await process.stop({ force: true, graceMs: 0 })).toMatchObject({ stopped: true });
  },
  limit,
);

test(
  "a program that forgets to close its manager ends by itself",
  async () => {
    const daemon = await startDaemon();
    const pm = await connect(daemon);
    const process = await pm.start({ executable: "sleep", args: ["1000"] });
    const program = `
      import { ProcessManager } from ${JSON.stringify(join(import.meta.dirname, "../../src/sdk/index.ts"))};
      const pm = await ProcessManager.connect({ socket: ${JSON.stringify(daemon.socketPath)} });
      await pm.info();
      for await (const frame of pm.stream("${process.id}", { follow: true })) break;
      for await (const event of pm.watch()) break;
      await pm.wait("${process.id}", { timeoutMs: 50 }).catch((error) => console.log(error.reason));
    `;
    const child = spawn(execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    expect([stdout, code]).toEqual(["TIMEOUT\n", 0]);
  },
  limit,
);

test(
  "the example does what it says",
  async () => {
    const { runtimeDir } = await startDaemon();
    const child = spawn(execPath, [join(import.meta.dirname, "../../examples/typescript/run-and-follow.ts")], {
      env: { ...env, PM_RUNTIME_DIR: runtimeDir, PM_HOST: "" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    expect(stdout.replace(/started [0-9a-f-]{36}/, "started UUID")).toBe(
      [
        "not started: No such file or directory (ENOENT)",
        "started UUID",
        "stdout at offset 0: line 1",
        "stdout at offset 7: line 2",
        "stdout at offset 14: line 3",
        "stderr at offset 21: done",
        "exited with 3",
        "",
      ].join("\n"),
    );
    expect(code).toBe(0);
  },
  limit,
);

test(
  "a request that the daemon refuses for its size is an error at once",
  async () => {
    const pm = await connect(await startDaemon());
    const huge = await failure(pm.start({ executable: "true", args: ["x".repeat(32 * 1024 * 1024)] }));
    expect(huge.reason).toBe("LIMIT_EXCEEDED");
    const large = await failure(pm.start({ executable: "true", args: ["x".repeat(3 * 1024 * 1024)] }));
    expect(large).toMatchObject({ reason: "START_FAILED", metadata: { errno_name: "E2BIG" } });
  },
  limit,
);

test(
  "streams that are left with much unread cost the connection nothing, and alarm nobody",
  async () => {
    const daemon = await startDaemon();
    const pm = await connect(daemon);
    const size = 8 * 1024 * 1024;
    const head = await pm.start({
      executable: "head",
      args: ["-c", String(size), "/dev/zero"],
      outputLimitBytes: 2 * size,
    });
    const { id } = await head.wait({ until: "outputComplete" });
    const left = Array.from({ length: 100 }, () => pm.stream(id, { follow: true })[Symbol.asyncIterator]());
    for (const frames of left) {
      expect((await frames.next()).value?.type).toBe("opened");
    }
    await Promise.all(left.map((frames) => frames.return?.()));
    for (let i = 0; i < 10; i++) {
      let received = 0;
      for await (const bytes of pm.stream(id, { follow: true, reconnect: false }).bytes()) {
        received += bytes.length;
      }
      expect(received).toBe(size);
    }
    expect(daemon.log).not.toMatch(/"level":[456]0/);
  },
  limit,
);
