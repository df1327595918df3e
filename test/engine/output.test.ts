import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { OutputFrame } from "../../src/server/engine/api/output.ts";
import {
  type Begin,
  complete,
  limit,
  open,
  reasonOf,
  refused,
  runtimeDirectory,
  shell,
  spec,
  start,
  stream,
  text,
} from "./harness.ts";

async function collect(frames: AsyncIterable<OutputFrame>): Promise<OutputFrame[]> {
  const all: OutputFrame[] = [];
  for await (const frame of frames) all.push(frame);
  return all;
}

function bytes(frames: OutputFrame[]): string {
  const data = frames.flatMap((frame) => (frame.kind === "chunk" ? [frame.chunk.data] : []));
  return Buffer.concat(data).toString("utf8");
}

describe("readOutput", () => {
  test.each<[string, Begin, string]>([
    ["an offset", { kind: "offset", offset: 4 }, "two\nthree"],
    ["the end", { kind: "offset", offset: 13 }, ""],
    ["the last bytes", { kind: "tailBytes", bytes: 3 }, "ree"],
    ["more bytes than there are", { kind: "tailBytes", bytes: 1000 }, "one\ntwo\nthree"],
    ["the last line", { kind: "tailLines", lines: 1 }, "three"],
    ["the last lines", { kind: "tailLines", lines: 2 }, "two\nthree"],
    ["the epoch", { kind: "since", time: 0n }, "one\ntwo\nthree"],
    ["the future", { kind: "since", time: BigInt(Date.now() + 3_600_000) * 1_000_000n }, ""],
  ])("begins at %s", async (_, begin, wanted) => {
    const engine = await open();
    const { id } = await complete(engine, shell("printf 'one\\ntwo\\nthree'"));
    const read = await engine.readOutput(id, { run: 0, start: begin, streams: [], maxBytes: 1000 });
    expect(Buffer.concat(read.chunks.map(({ data }) => data)).toString()).toBe(wanted);
    expect(read).toMatchObject({ run: 1, gap: null, nextOffset: 13 });
    expect(bytes(await collect(stream(engine, id, { start: begin, follow: false })))).toBe(wanted);
  });

  test("selects streams, and goes on where it stopped", async () => {
    const engine = await open();
    const { id } = await complete(engine, shell("printf abc; sleep 0.05; printf XYZ >&2; sleep 0.05; printf def"));
    const options = { run: 0, start: { kind: "offset", offset: 0 }, maxBytes: 1000 } as const;
    const errors = await engine.readOutput(id, { ...options, streams: ["stderr"] });
    expect(errors.chunks.map(({ data, offset }) => [Buffer.from(data).toString(), offset])).toEqual([["XYZ", 3]]);
    let all = "";
    for (let offset = 0; offset < 9; ) {
      const read = await engine.readOutput(id, {
        ...options,
        start: { kind: "offset", offset },
        streams: [],
        maxBytes: 2,
      });
      all += Buffer.concat(read.chunks.map(({ data }) => data)).toString();
      offset = read.nextOffset;
    }
    expect(all).toBe("abcXYZdef");
  });

  test("refuses an offset beyond the end", async () => {
    const engine = await open();
    const { id } = await complete(engine, shell("printf abc"));
    const begin = { kind: "offset", offset: 4 } as const;
    const error = await refused(engine.readOutput(id, { run: 0, start: begin, streams: [], maxBytes: 10 }));
    expect(error).toMatchObject({ reason: "OFFSET_OUT_OF_RANGE", metadata: { offset: "4", next_offset: "3" } });
    expect(await reasonOf(collect(stream(engine, id, { start: begin })))).toBe("OFFSET_OUT_OF_RANGE");
  });

  test("reports what was dropped as a gap", async () => {
    const engine = await open();
    const ended = await complete(engine, shell("head -c 200000 /dev/zero", { outputLimitBytes: 8192 }));
    const read = await engine.readOutput(ended.id, {
      run: 0,
      start: { kind: "offset", offset: 10 },
      streams: [],
      maxBytes: 1_000_000,
    });
    expect(read.gap).toEqual({ from: 10, to: read.output.firstOffset });
    expect(read.output).toMatchObject({ nextOffset: 200_000, limitBytes: 8192 });
    // At least the bound is kept, and at most one read more.
    expect(read.output.firstOffset).toBeLessThanOrEqual(200_000 - 8192);
    expect(read.output.firstOffset).toBeGreaterThanOrEqual(200_000 - 8192 - 65_536);
    expect(read.nextOffset).toBe(200_000);
  });
});

describe("streamOutput", () => {
  test("follows to the end, with the exit status", async () => {
    const engine = await open();
    const { id } = await start(engine, shell("for i in 1 2 3; do echo $i; sleep 0.05; done; exit 3"));
    const frames = await collect(stream(engine, id));
    expect(frames[0]).toMatchObject({ kind: "opened", processId: id, run: 1, startOffset: 0 });
    expect(bytes(frames)).toBe("1\n2\n3\n");
    expect(frames.at(-1)).toMatchObject({
      kind: "end",
      finalOffset: 6,
      reason: "complete",
      exit: { code: 3 },
      nextRun: null,
    });
  });

  test("binary output arrives exactly", async () => {
    const runtimeDir = runtimeDirectory();
    const file = join(runtimeDir, "copy");
    const engine = await open({ runtimeDir });
    const script = `head -c 20000000 /dev/urandom | tee ${file}`;
    const { id } = await start(engine, shell(script, { outputLimitBytes: 32 * 1024 * 1024 }));
    const hash = createHash("sha256");
    let next = 0;
    for await (const frame of stream(engine, id)) {
      if (frame.kind !== "chunk") continue;
      expect(frame.chunk.offset).toBe(next);
      expect(frame.chunk.data.length).toBeLessThanOrEqual(262_144);
      next += frame.chunk.data.length;
      hash.update(frame.chunk.data);
    }
    expect(next).toBe(20_000_000);
    expect(hash.digest("hex")).toBe(createHash("sha256").update(readFileSync(file)).digest("hex"));
  });

  test("without follow it ends after what there was", async () => {
    const engine = await open();
    const { id } = await start(engine, shell("printf abc; exec sleep 60"));
    for await (const frame of stream(engine, id)) if (frame.kind === "chunk") break;
    const frames = await collect(stream(engine, id, { follow: false }));
    expect(frames.map(({ kind }) => kind)).toEqual(["opened", "chunk", "end"]);
    expect(frames.at(-1)).toMatchObject({ reason: "snapshot", finalOffset: 3, exit: null });
  });

  test("heartbeats while nothing comes", async () => {
    const engine = await open();
    const { id } = await start(engine, spec("sleep", ["60"]));
    for await (const frame of stream(engine, id, { heartbeatMs: 50 })) {
      if (frame.kind !== "heartbeat") continue;
      expect(frame.nextOffset).toBe(0);
      return;
    }
    throw new Error("no heartbeat came");
  });

  test("heartbeats also while only another stream's output comes", async () => {
    const engine = await open();
    const { id } = await start(engine, shell("while :; do echo noise >&2; done"));
    for await (const frame of stream(engine, id, { heartbeatMs: 50, streams: ["stdout"] })) {
      expect(frame.kind).not.toBe("chunk");
      if (frame.kind === "heartbeat" && frame.nextOffset > 0) return;
    }
    throw new Error("no heartbeat came");
  });

  test("ends when the process closes its output and lives on", async () => {
    const engine = await open();
    const { id } = await start(engine, shell("echo bye; exec sleep 60 >&- 2>&-"));
    const frames = await collect(stream(engine, id));
    expect(frames.at(-1)).toMatchObject({ kind: "end", reason: "complete", finalOffset: 4, exit: null });
    expect(engine.get(id)).toMatchObject({ state: "running", output: { complete: true } });
  });

  test("ends when the process is removed", async () => {
    const engine = await open();
    const { id } = await start(engine, shell("echo here; exec sleep 60"));
    let last: OutputFrame | undefined;
    let removing: Promise<string> | undefined;
    for await (const frame of stream(engine, id)) {
      if (frame.kind === "chunk") removing = engine.remove(id, true);
      last = frame;
    }
    expect(last).toMatchObject({ kind: "end", finalOffset: 5 });
    expect(await removing).toBe(id);
    expect(await reasonOf(() => engine.get(id))).toBe("PROCESS_NOT_FOUND");
  });

  test("a slow reader gets gaps and exact bytes, and slows nobody", async () => {
    const engine = await open();
    const count = 200_000;
    const { id } = await start(engine, shell(`seq ${count}`, { outputLimitBytes: 65_536 }));
    const frames = stream(engine, id)[Symbol.asyncIterator]();
    await frames.next();
    // Nobody reads: the process ends all the same.
    await engine.wait(id, "outputComplete", 0, limit());
    const expected = Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");
    let position = 0;
    let gaps = 0;
    for (;;) {
      const { value, done } = await frames.next();
      if (done) break;
      if (value.kind === "gap") {
        expect(value.gap.from).toBe(position);
        position = value.gap.to;
        gaps++;
      } else if (value.kind === "chunk") {
        expect(value.chunk.offset).toBe(position);
        const data = Buffer.from(value.chunk.data).toString();
        expect(data).toBe(expected.slice(position, position + data.length));
        position += data.length;
      }
    }
    expect(gaps).toBeGreaterThan(0);
    expect(position).toBe(expected.length);
  });

  test("many readers of one run, some of which leave", async () => {
    const engine = await open();
    const { id } = await start(engine, shell("for i in $(seq 200); do echo line $i; sleep 0.002; done"));
    const whole = Array.from({ length: 5 }, () => collect(stream(engine, id)));
    const leaving = Array.from({ length: 5 }, async () => {
      for await (const frame of stream(engine, id)) if (frame.kind === "chunk") return;
    });
    await Promise.all(leaving);
    const texts = (await Promise.all(whole)).map(bytes);
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]?.split("\n").length).toBe(201);
    expect(texts[0]).toBe(await text(engine, id));
  });

  test("an aborted stream ends with the reason and closes its ring", async () => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    const { id } = await start(engine, spec("sleep", ["60"]));
    const before = openFiles(runtimeDir);
    const caller = new AbortController();
    const following = collect(stream(engine, id, {}, caller.signal));
    setImmediate(() => caller.abort(new Error("enough")));
    await expect(following).rejects.toThrow("enough");
    expect(openFiles(runtimeDir)).toEqual(before);
    // What the engine keeps open to look at goes with the process.
    await engine.remove(id, true);
    expect(openFiles(runtimeDir)).toEqual([]);
  });

  test("a flood that nobody reads leaves the daemon's memory flat", async () => {
    const engine = await open();
    const { id } = await start(engine, shell("head -c 1000000000 /dev/zero"));
    const frames = stream(engine, id)[Symbol.asyncIterator]();
    await frames.next();
    await frames.next();
    const before = process.memoryUsage().rss;
    const ended = await engine.wait(id, "outputComplete", 0, limit());
    expect(ended.output.nextOffset).toBe(1_000_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
    await frames.return?.();
  });
});

test("of a flood of 1 GB a reader gets every byte, or is told of the gap", async () => {
  const engine = await open();
  const { id } = await start(engine, shell("head -c 1000000000 /dev/zero"));
  let next = 0;
  let end: OutputFrame | undefined;
  for await (const frame of stream(engine, id)) {
    if (frame.kind === "chunk") {
      expect(frame.chunk.offset).toBe(next);
      next += frame.chunk.data.length;
    } else if (frame.kind === "gap") {
      expect(frame.gap.from).toBe(next);
      next = frame.gap.to;
    }
    end = frame;
  }
  expect(next).toBe(1_000_000_000);
  expect(end).toMatchObject({ kind: "end", reason: "complete", finalOffset: 1_000_000_000, exit: { code: 0 } });
});

function openFiles(below: string): string[] {
  return readdirLinks("/proc/self/fd").filter((path) => path.startsWith(join(below, "p")));
}

function readdirLinks(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    try {
      return [readlinkSync(join(directory, name))];
    } catch {
      return [];
    }
  });
}
