/** The SDK and the real daemon: what survives the daemon's death, byte by byte. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { type ConnectionEvent, ProcessManager, toContractJson } from "../../src/sdk/index.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import { failure } from "./support/scripted-daemon.ts";

const limit = 60_000;

async function connect(daemon: TestDaemon): Promise<ProcessManager> {
  const pm = await ProcessManager.connect({ socket: daemon.socketPath });
  onTestFinished(() => pm.close());
  return pm;
}

test(
  "start, read, write, signal, wait, restart, list, prune, remove",
  async () => {
    const pm = await connect(await startDaemon());
    const info = await pm.daemon.info();
    expect(info.counts.running).toBe(0);
    expect(info.startTime.getTime()).toBeLessThanOrEqual(Date.now());

    const cat = await pm.processes.start({ executable: "cat", name: "cat", stdin: "pipe", labels: { kind: "filter" } });
    expect(cat.info).toMatchObject({ name: "cat", state: "running", run: { number: 1 }, spec: { stdin: "pipe" } });
    expect(toContractJson(cat.info)).toMatchObject({ state: "PROCESS_STATE_RUNNING" });
    expect(await cat.write("text \u2713\n")).toEqual({ inputOffset: 9 });
    await cat.write(new Uint8Array([0, 255, 10]), { close: true });
    const ended = await cat.wait({ until: "outputComplete" });
    expect(ended.run?.exit).toMatchObject({ code: 0 });
    const { chunks, nextOffset } = await pm.processes.output("cat");
    expect(Buffer.concat(chunks.map(({ data }) => data))).toEqual(
      Buffer.from("text \u2713\n\0\xff\n".replace("\u2713", "\u00e2\u009c\u0093"), "latin1"),
    );
    expect(nextOffset).toBe(12);
    expect((await failure(cat.write("more"))).reason).toMatch(/NOT_RUNNING|INPUT_CLOSED/);

    const sleeper = await pm.processes.start({ executable: "sleep", args: ["1000"] });
    expect((await failure(sleeper.remove())).reason).toBe("STILL_RUNNING");
    await sleeper.signal("USR1");
    expect((await sleeper.wait()).run?.exit).toMatchObject({ signal: 10, signalName: "SIGUSR1" });
    expect((await sleeper.restart()).run?.number).toBe(2);
    expect((await sleeper.runs()).map(({ number }) => number)).toEqual([2, 1]);
    const stopped = await sleeper.stop({ graceMs: 10_000 });
    expect(stopped).toMatchObject({
      receipt: { outcome: "stopped", survivors: [], signal: "SIGTERM" },
      exit: { signalName: "SIGTERM" },
      process: { state: "exited" },
    });
    expect((await sleeper.stop()).receipt.outcome).toBe("alreadyStopped");

    expect((await pm.processes.listAll({ pageSize: 1 })).map(({ id }) => id)).toEqual([cat.id, sleeper.id]);
    expect((await pm.processes.listAll({ filter: { selector: "kind=filter" } })).map(({ id }) => id)).toEqual([cat.id]);
    const summaries = await pm.processes.listSummaries({ pageSize: 1 });
    const whole = await pm.processes.listAll();
    expect(await pm.processes.listIdentities({ pageSize: 1 })).toEqual(
      whole.map(({ id, name }) => ({ id, ...(name !== undefined && { name }) })),
    );
    expect(summaries.map(({ id }) => id)).toEqual([cat.id, sleeper.id]);
    expect(whole).toMatchObject(summaries);
    expect(whole[0]?.run).toMatchObject(summaries[0]?.run ?? {});
    expect(Object.keys(summaries[0]?.spec ?? {})).toEqual(["executable", "args"]);
    expect(await pm.processes.listSummaries({ filter: { living: true } })).toEqual([]);
    expect(await pm.processes.listSummaries({ filter: { living: false, selector: "kind=filter" } })).toHaveLength(1);
    expect(await cat.get({ env: true })).toMatchObject({ id: cat.id });
    expect(await pm.processes.prune({ all: true, dryRun: true })).toMatchObject({ ids: [cat.id, sleeper.id] });
    await cat.remove();
    expect((await failure(cat.get())).reason).toBe("PROCESS_NOT_FOUND");
  },
  limit,
);

test(
  "a refused start says what the operating system said",
  async () => {
    const pm = await connect(await startDaemon());
    const error = await failure(pm.processes.start({ executable: "/no/such/program" }));
    expect(error).toMatchObject({
      reason: "START_FAILED",
      code: "failed_precondition",
      metadata: { step: "exec", errno: "2", errno_name: "ENOENT", errno_text: "No such file or directory" },
    });
    expect((await failure(pm.processes.start({ executable: "" }))).reason).toBe("INVALID_ARGUMENT");
    expect((await failure(pm.processes.get("no/such"))).reason).toBe("INVALID_ID");
    expect(await pm.processes.listAll()).toEqual([]);
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
    const process = await pm.processes.start({
      executable: "sh",
      args: ["-c", script],
      output: { limitBytes: 16 * 1024 * 1024 },
    });
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
    expect(await waiting).toMatchObject({ process: { id: process.id, state: "exited" }, run: { exit: { code: 7 } } });
  },
  limit,
);

test(
  "a watch resumes with the next daemon",
  async () => {
    const daemon = await startDaemon();
    const pm = await connect(daemon);
    const { id } = await pm.processes.start({ executable: "sleep", args: ["1000"] });
    const seen: string[] = [];
    for await (const event of pm.processes.watch()) {
      seen.push(event.type);
      if (event.type === "bookmark" && seen.length === 3) {
        await daemon.kill9();
        await daemon.restart();
        await pm.processes.signal(id, "KILL");
      } else if (event.type === "modified" && event.process.state === "exited") {
        expect(event.process.id).toBe(id);
        break;
      }
    }
    expect(seen.slice(0, 3)).toEqual(["reset", "added", "bookmark"]);
    expect(seen.slice(3)).not.toContain("reset");
  },
  limit,
);

test(
  "a stop, a restart and a wait that are under way when the daemon is killed come to their end with the next one",
  async () => {
    const daemon = await startDaemon();
    let starts = 0;
    const pm = await ProcessManager.connect({
      socket: daemon.socketPath,
      onUnreachable: async () => {
        starts += 1;
        await daemon.restart();
        return true;
      },
    });
    onTestFinished(() => pm.close());
    // Ends a second after SIGTERM.
    const script = "trap 'sleep 1; exit 3' TERM; echo ready; while :; do sleep 0.1; done";
    const spec = { executable: "sh", args: ["-c", script] };
    const [stopped, restarted] = [await pm.processes.start(spec), await pm.processes.start(spec)];
    for (const { id } of [stopped, restarted]) {
      for await (const bytes of pm.processes.stream(id, { follow: true }).bytes()) {
        expect(Buffer.from(bytes).toString()).toBe("ready\n");
        break;
      }
    }
    const calls = Promise.all([stopped.stop(), restarted.restart(), stopped.wait()]);
    for await (const frame of pm.events.stream({ afterSequence: 0, follow: true, types: ["restartRequested"] })) {
      if (frame.type === "event") {
        break;
      }
    }
    await daemon.kill9();
    const [stop, restart, wait] = await calls;
    expect(stop).toMatchObject({ receipt: { outcome: "stopped" }, exit: { code: 3 } });
    expect(restart).toMatchObject({ id: restarted.id, run: { number: 2 } });
    expect(wait.run?.exit?.code).toBe(3);
    expect(starts).toBe(1);
    await restarted.stop({ force: true, graceMs: 0 });
  },
  limit,
);

test(
  "a stream that holds loses nothing, however slow it is",
  async () => {
    const pm = await connect(await startDaemon());
    const process = await pm.processes.start({
      executable: "sh",
      args: ["-c", "exec seq 1 20000"],
      output: { limitBytes: 8192, whenFull: "allowHold" },
    });
    const expected = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join("");
    const received: Buffer[] = [];
    let length = 0;
    for await (const bytes of process.stream({ follow: true, hold: true }).bytes()) {
      received.push(Buffer.from(bytes));
      length += bytes.length;
      if (length < 50_000) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    expect(Buffer.concat(received).toString()).toBe(expected);
    expect((await process.wait()).run?.exit?.code).toBe(0);
  },
  limit,
);

test(
  "the output of many processes is one stream, in which later ones join",
  async () => {
    const pm = await connect(await startDaemon());
    const labels = { group: "many" };
    const start = (name: string) =>
      pm.processes.start({ executable: "sh", args: ["-c", `echo ${name}; exec sleep 1000`], name, labels });
    await start("one");
    const lines: string[] = [];
    for await (const frame of pm.processes.outputs({ selector: "group=many" }, { follow: true })) {
      if (frame.type === "chunk") {
        lines.push(`${frame.member.processName}: ${Buffer.from(frame.data).toString().trim()}`);
        if (lines.length === 2) {
          break;
        }
        await start("two");
      }
    }
    expect(lines).toEqual(["one: one", "two: two"]);
    const results = await Array.fromAsync(
      pm.processes.stopAll({ selector: "group=many" }, { force: true, graceMs: 0 }),
    );
    expect(results.map(({ process, receipt }) => `${process?.name} ${receipt?.outcome}`).sort()).toEqual([
      "one stopped",
      "two stopped",
    ]);
    expect((await failure(Array.fromAsync(pm.processes.removeAll({})))).reason).toBe("ALL_REQUIRED");
    expect(await Array.fromAsync(pm.processes.removeAll({ all: true }))).toHaveLength(2);
  },
  limit,
);

test(
  "bytes that are no UTF-8 reach the process unchanged",
  async () => {
    const pm = await connect(await startDaemon());
    const bytes = new Uint8Array([0x63, 0xe9, 0xff]);
    const process = await pm.processes.start({
      executable: "sh",
      args: ["-c", 'printf %s "$1$V"', "sh", bytes],
      env: [["V", bytes]],
    });
    await process.wait({ until: "outputComplete" });
    const { chunks } = await process.output();
    expect(Buffer.concat(chunks.map(({ data }) => data))).toEqual(Buffer.concat([bytes, bytes]));
    expect((await process.get({ env: true })).spec).toMatchObject({
      args: ["-c", 'printf %s "$1$V"', "sh", bytes],
      envBytes: [{ name: new Uint8Array(Buffer.from("V")), value: bytes }],
    });
  },
  limit,
);

test(
  "a follower goes on over restarts of the process",
  async () => {
    const pm = await connect(await startDaemon());
    const process = await pm.processes.start({ executable: "sh", args: ["-c", "echo begun; exec sleep 1000"] });
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
    const process = await pm.processes.start({ executable: "sleep", args: ["1000"] });
    const frames = process.stream({ follow: true, reconnect: false })[Symbol.asyncIterator]();
    expect((await frames.next()).value?.type).toBe("opened");
    expect(await pm.daemon.shutdown()).toBe(1);
    expect((await failure(frames.next())).reason).toMatch(/SHUTTING_DOWN|DISCONNECTED/);
    await daemon.exited;
    expect((await failure(pm.daemon.info())).reason).toBe("UNREACHABLE");
    await daemon.restart();
    expect((await process.get()).state).toBe("running");
    expect(await process.stop({ force: true, graceMs: 0 })).toMatchObject({ receipt: { outcome: "stopped" } });
  },
  limit,
);

test(
  "a program that forgets to close its manager ends by itself",
  async () => {
    const daemon = await startDaemon();
    const pm = await connect(daemon);
    const process = await pm.processes.start({ executable: "sleep", args: ["1000"] });
    const program = `
      import { ProcessManager } from ${JSON.stringify(join(import.meta.dirname, "../../src/sdk/index.ts"))};
      const pm = await ProcessManager.connect({ socket: ${JSON.stringify(daemon.socketPath)} });
      await pm.daemon.info();
      for await (const frame of pm.processes.stream("${process.id}", { follow: true })) break;
      for await (const event of pm.processes.watch()) break;
      await pm.processes.wait("${process.id}", { timeoutMs: 50 }).catch((error) => console.log(error.reason));
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
    const huge = await failure(pm.processes.start({ executable: "true", args: ["x".repeat(32 * 1024 * 1024)] }));
    expect(huge.reason).toBe("LIMIT_EXCEEDED");
    const large = await failure(pm.processes.start({ executable: "true", args: ["x".repeat(3 * 1024 * 1024)] }));
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
    const head = await pm.processes.start({
      executable: "head",
      args: ["-c", String(size), "/dev/zero"],
      output: { limitBytes: 2 * size },
    });
    const {
      process: { id },
    } = await head.wait({ until: "outputComplete" });
    const left = Array.from({ length: 100 }, () => pm.processes.stream(id, { follow: true })[Symbol.asyncIterator]());
    for (const frames of left) {
      expect((await frames.next()).value?.type).toBe("opened");
    }
    await Promise.all(left.map((frames) => frames.return?.()));
    for (let i = 0; i < 10; i++) {
      let received = 0;
      for await (const bytes of pm.processes.stream(id, { follow: true, reconnect: false }).bytes()) {
        received += bytes.length;
      }
      expect(received).toBe(size);
    }
    expect(daemon.log).not.toMatch(/"level":[456]0/);
  },
  limit,
);
