import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { everything } from "../../src/server/engine/api/list.ts";
import type { OutputFrame } from "../../src/server/engine/api/output.ts";
import { systemClock } from "../../src/server/engine/clock.ts";
import { Journal } from "../../src/server/engine/history/journal.ts";
import { DaemonRunningError } from "../../src/server/engine/options.ts";
import { Quarantine } from "../../src/server/engine/quarantine.ts";
import {
  alive,
  complete,
  limit,
  open,
  type Wanted as ProcessSpec,
  parentOf,
  reasonOf,
  runtimeDirectory,
  shell,
  shimPath,
  spec,
  start,
  stopDefaults,
  stream,
  text,
  untilOutput,
} from "./harness.ts";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A daemon in a process of its own, to be killed. */
class Daemon {
  readonly child: ChildProcess;
  received: Buffer = Buffer.alloc(0);
  readonly #news = new EventTarget();

  constructor(runtimeDir: string, wanted: readonly (readonly [string, ProcessSpec])[]) {
    const script = fileURLToPath(import.meta.resolve("./killed-daemon.ts"));
    this.child = spawn(process.execPath, [script, runtimeDir, shimPath, JSON.stringify(wanted)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.child.stdout?.on("data", (data: Buffer) => {
      this.received = Buffer.concat([this.received, data]);
      this.#news.dispatchEvent(new Event("data"));
    });
    onTestFinished(() => this.kill());
  }

  async until(met: (received: Buffer) => boolean): Promise<void> {
    while (!met(this.received)) await once(this.#news, "data", { signal: limit() });
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "close");
    this.child.kill("SIGKILL");
    await ended;
  }
}

function sha256(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

async function read(frames: AsyncIterable<OutputFrame>): Promise<{ data: Buffer; last: OutputFrame | undefined }> {
  const parts: Uint8Array[] = [];
  let last: OutputFrame | undefined;
  for await (const frame of frames) {
    // Its memory is used again.
    if (frame.kind === "chunk") parts.push(Buffer.from(frame.chunk.data));
    if (frame.kind === "gap") throw new Error("a gap");
    last = frame;
  }
  return { data: Buffer.concat(parts), last };
}

describe("a killed daemon", () => {
  test("costs 50 writers nothing: every byte and every exit code is there, followers go on", async () => {
    const runtimeDir = runtimeDirectory();
    const files = join(runtimeDir, "files");
    mkdirSync(files);
    const writers = Array.from({ length: 50 }, (_, index) => {
      const script = `for i in 1 2 3 4 5 6 7 8; do head -c 50000 /dev/urandom; sleep 0.1; done | tee ${files}/${index}; exit ${index}`;
      return [randomUUID(), shell(script)] as const;
    });
    const daemon = new Daemon(runtimeDir, writers);
    const header = "opened\nstarted\n".length;
    await daemon.until((received) => received.length > header + 60_000);
    await daemon.kill();
    const seen = daemon.received.subarray(header);

    const engine = await open({ runtimeDir });
    expect((await engine.list(everything, { size: 100, token: "" })).totalSize).toBe(50);
    const [first] = writers;
    const begin = { kind: "offset", offset: seen.length } as const;
    const rest = await read(stream(engine, first?.[0] ?? "", { start: begin }));
    expect(sha256(Buffer.concat([seen, rest.data]))).toBe(sha256(readFileSync(join(files, "0"))));
    expect(rest.last).toMatchObject({ kind: "end", reason: "complete", finalOffset: 400_000 });
    for (const [index, [id]] of writers.entries()) {
      expect((await engine.wait(id, "outputComplete", 0, limit())).exit?.code).toBe(index);
      const { data } = await read(stream(engine, id));
      expect(sha256(data)).toBe(sha256(readFileSync(join(files, String(index)))));
    }
  });

  test("killed at any moment of its starts, it leaves nothing undecided", async () => {
    const runtimeDir = runtimeDirectory();
    for (const delay of [0, 6, 20]) {
      const wanted = Array.from({ length: 40 }, () => [randomUUID(), spec("sleep", ["60"])] as const);
      const daemon = new Daemon(runtimeDir, wanted);
      await daemon.until((received) => received.includes("opened"));
      await new Promise((resolve) => setTimeout(resolve, delay));
      await daemon.kill();
      const engine = await open({ runtimeDir });
      const { processes } = await engine.list(everything, { size: 1000, token: "" });
      const onDisk = readdirSync(join(runtimeDir, "p"));
      expect(new Set(onDisk)).toEqual(new Set(processes.map(({ id }) => id)));
      // Asking again, as a client does, starts each exactly once.
      const answers = await Promise.all(wanted.map(([id, asked]) => engine.start({ id, spec: asked })));
      for (const { process } of answers) {
        expect(process.state).toBe("running");
        expect(alive(process.pid ?? 0)).toBe(true);
      }
      await engine.stopAll(0);
      await engine.close();
    }
  });
});

test("two daemons do not share a directory", async () => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  await expect(open({ runtimeDir })).rejects.toThrow(DaemonRunningError);
  await engine.close();
  await open({ runtimeDir });
});

test("closing leaves processes alone, ends all waiting and frees every descriptor", async () => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const { id, pid } = await start(engine, shell("echo here; exec sleep 60", { stdin: "pipe" }));
  await untilOutput(engine, id, "here");
  const watching = engine.watch({ resourceVersion: "", filter: everything, bookmarkMs: 60_000 }, limit());
  const waiting = [
    engine.wait(id, "exited", 0, limit()),
    engine.stop(id, { signal: "SIGWINCH", graceMs: 60_000, force: false }),
    engine.writeInput(id, Buffer.alloc(1_000_000), false, limit()),
    read(stream(engine, id)),
    (async () => {
      for await (const _ of watching);
    })(),
  ].map(reasonOf);
  await new Promise((resolve) => setImmediate(resolve));
  await engine.close();
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(["SHUTTING_DOWN"]));
  expect(await reasonOf(() => engine.get(id))).toBe("SHUTTING_DOWN");
  expect(await reasonOf(start(engine, spec("true")))).toBe("SHUTTING_DOWN");
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  expect(links.filter((path) => path.startsWith(runtimeDir))).toEqual([]);
  expect(alive(pid)).toBe(true);
  const next = await open({ runtimeDir });
  // The stop is carried on.
  expect(next.get(id)).toMatchObject({ state: "stopping", pid, stop: { signal: "SIGWINCH", outcome: "pending" } });
  expect(await next.stop(id, stopDefaults)).toMatchObject({ stopped: true });
});

describe("what a dead daemon can leave", () => {
  const id = "01234567-89ab-4cde-8f01-23456789abcd";

  /** A runtime directory as it is after a first run has ended. */
  async function afterFirstRun(): Promise<{
    runtimeDir: string;
    directory: string;
    record: { readonly runs: readonly object[] };
  }> {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    await engine.start({ id, spec: shell("echo $$") });
    await engine.wait(id, "outputComplete", 0, limit());
    await engine.close();
    const directory = join(runtimeDir, "p", id);
    return { runtimeDir, directory, record: JSON.parse(readFileSync(join(directory, "process.json"), "utf8")) };
  }

  /** What an earlier daemon's journal says of a start that nobody was answered. */
  function accept(runtimeDir: string, processId: string): void {
    const quarantine = new Quarantine(runtimeDir, silent);
    const directory = join(runtimeDir, "journal");
    const limits = { bytes: 4 * 1024 * 1024, entries: 1000 };
    const journal = new Journal({ directory, limits, clock: systemClock, logger: silent, quarantine });
    const cause = { kind: "request", principal: "local", requestId: "", detail: "" } as const;
    journal.append({
      type: "created",
      processId,
      processName: "",
      run: 1,
      from: "",
      to: "starting",
      cause,
      exit: null,
    });
    journal.close();
  }

  test.each<[string, (directory: string, record: string) => void]>([
    ["a directory", () => {}],
    ["a half-written record", (directory) => writeFileSync(join(directory, "process.json.new"), "{")],
    ["a record without a run", (directory, record) => writeFileSync(join(directory, "process.json"), record)],
    [
      "a run without a shim",
      (directory, record) => {
        writeFileSync(join(directory, "process.json"), record);
        mkdirSync(join(directory, "1"));
        writeFileSync(join(directory, "1/spec"), "half");
      },
    ],
    [
      "a ring that was never published",
      (directory, record) => {
        writeFileSync(join(directory, "process.json"), record);
        mkdirSync(join(directory, "1"));
        writeFileSync(join(directory, "1/ring"), "");
      },
    ],
  ])("%s of a start that nobody was answered: it is removed", async (_, make) => {
    const { runtimeDir, record } = await afterFirstRun();
    const begun = randomUUID();
    accept(runtimeDir, begun);
    const directory = join(runtimeDir, "p", begun);
    mkdirSync(directory);
    make(directory, JSON.stringify({ ...record, id: begun }));
    const engine = await open({ runtimeDir });
    expect(await reasonOf(() => engine.get(begun))).toBe("PROCESS_NOT_FOUND");
    expect(existsSync(directory)).toBe(false);
    expect((await engine.start({ id: begun, spec: spec("true") })).existing).toBe(false);
    expect(engine.get(id).state).toBe("exited");
  });

  test.each<[string, (directory: string) => void]>([
    ["before its files", () => {}],
    ["between its files", (directory) => mkdirSync(join(directory, "2"))],
    [
      "before its shim",
      (directory) => {
        mkdirSync(join(directory, "2"));
        writeFileSync(join(directory, "2/spec"), "half");
      },
    ],
  ])("a restart that had named its new run, %s: the run begins", async (_, prepare) => {
    const { runtimeDir, directory, record } = await afterFirstRun();
    const [first] = record.runs;
    const output = { firstOffset: 0, nextOffset: 0, complete: true, stdoutBytes: 0, stderrBytes: 0, limitBytes: 0 };
    const summary = { startTime: null, exitTime: null, exit: null, output: { ...output, held: false } };
    const runs = [
      { ...first, number: 2 },
      { ...first, past: { state: "exited", summary } },
    ];
    writeFileSync(join(directory, "process.json"), JSON.stringify({ ...record, runs }));
    prepare(directory);
    const engine = await open({ runtimeDir });
    const ended = await engine.wait(id, "outputComplete", 0, limit());
    expect(ended).toMatchObject({ run: 2, state: "exited", exit: { code: 0 } });
    expect(await text(engine, id, 1)).toMatch(/^\d+\n$/);
    expect(await text(engine, id, 2)).toMatch(/^\d+\n$/);
  });

  test("foreign, damaged and newer files hurt nobody, are named and kept", async () => {
    const { runtimeDir, directory } = await afterFirstRun();
    const parent = join(runtimeDir, "p");
    writeFileSync(join(parent, "note.txt"), "mine");
    mkdirSync(join(parent, "directory"));
    const damaged = randomUUID();
    mkdirSync(join(parent, damaged));
    writeFileSync(join(parent, damaged, "process.json"), '{"version":1,');
    const later = randomUUID();
    mkdirSync(join(parent, later));
    writeFileSync(join(parent, later, "process.json"), '{"version":99}');
    const copy = randomUUID();
    mkdirSync(join(parent, copy));
    writeFileSync(join(parent, copy, "process.json"), readFileSync(join(directory, "process.json")));
    const file = randomUUID();
    writeFileSync(join(parent, file), "");
    const engine = await open({ runtimeDir });
    const { processes } = await engine.list(everything, { size: 10, token: "" });
    expect(processes.map((process) => process.id)).toEqual([id]);
    const kept = ["note.txt", "directory", later, file];
    expect(new Set(readdirSync(parent))).toEqual(new Set([...kept, id]));
    expect(readFileSync(join(parent, later, "process.json"), "utf8")).toBe('{"version":99}');
    expect(readFileSync(join(runtimeDir, "quarantine", damaged, "process.json"), "utf8")).toBe('{"version":1,');
    expect(existsSync(join(runtimeDir, "quarantine", copy, "process.json"))).toBe(true);
    const { setAside, setAsideCount } = engine.info();
    expect(setAsideCount).toBe(6);
    expect(setAside.find(({ path }) => path === join(parent, later))).toMatchObject({ processId: later, newer: true });
    expect(setAside.find(({ processId }) => processId === damaged)).toMatchObject({ newer: false });
    expect(await reasonOf(engine.start({ id: later, spec: spec("true") }))).toBe("START_FAILED");
    expect((await engine.start({ id: damaged, spec: spec("true") })).existing).toBe(false);
  });
});

describe("a killed shim", () => {
  test("loses its process, and only that: it can be started again", async () => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    const other = await start(engine, spec("sleep", ["60"]));
    const { id, pid } = await start(engine, shell("echo here; exec sleep 60"));
    await untilOutput(engine, id, "here");
    const following = read(stream(engine, id));
    process.kill(parentOf(pid), "SIGKILL");
    const lost = await engine.wait(id, "treeGone", 0, limit());
    expect(lost).toMatchObject({ state: "lost", pid: null, exit: null, treeAlive: false, output: { complete: true } });
    expect((await following).last).toMatchObject({ kind: "end", reason: "lost", finalOffset: 5, exit: null });
    expect(await text(engine, id)).toBe("here\n");
    expect(await reasonOf(engine.signal(id, "SIGTERM", "group"))).toBe("SUPERVISOR_LOST");
    expect((await engine.stop(id, stopDefaults)).receipt.outcome).toBe("alreadyStopped");
    expect(engine.get(other.id).state).toBe("running");
    await engine.close();
    const next = await open({ runtimeDir });
    expect(next.get(id).state).toBe("lost");
    expect(await next.restart(id, stopDefaults)).toMatchObject({ run: 2, state: "running" });
  });

  test("while no daemon lived: the next one finds it out", async () => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    const { id, pid } = await start(engine, spec("sleep", ["60"]));
    const shim = parentOf(pid);
    await engine.close();
    process.kill(shim, "SIGKILL");
    const next = await open({ runtimeDir });
    expect((await next.wait(id, "exited", 0, limit())).state).toBe("lost");
  });
});

test("a killed zygote is replaced: starts go on, and the end of old shims is noticed", async () => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const { id, pid } = await start(engine, shell("echo ready; exec sleep 60"));
  const zygote = children(process.pid).find((child) => readlinkSync(`/proc/${child}/cwd`) === runtimeDir);
  process.kill(zygote ?? 0, "SIGKILL");
  const starts = await Promise.all(Array.from({ length: 20 }, (_, code) => complete(engine, shell(`exit ${code}`))));
  expect(starts.map(({ exit }) => exit?.code)).toEqual(Array.from({ length: 20 }, (_, code) => code));
  expect(engine.get(id)).toMatchObject({ state: "running", pid });
  expect(await engine.stop(id, stopDefaults)).toMatchObject({ stopped: true, process: { exit: { signal: 15 } } });
});

function children(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    const list = readFileSync(`/proc/${pid}/task/${task}/children`, "latin1");
    return list.split(" ").filter(Boolean).map(Number);
  });
}
