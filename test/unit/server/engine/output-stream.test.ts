import { describe, expect, test } from "vitest";
import type { OutputFrame, OutputStart, StreamOutputOptions } from "../../../../src/server/engine/api/output.ts";
import { type FakeProcess, success, World } from "./output-fakes.ts";

const beginning: OutputStart = { position: { kind: "offset", offset: 0 }, since: null };

function stream(
  world: World,
  process: FakeProcess,
  more: Partial<StreamOutputOptions> = {},
): AsyncGenerator<OutputFrame, void, undefined> {
  const options = {
    run: null,
    start: beginning,
    streams: [],
    until: null,
    follow: true,
    heartbeatMs: 15_000,
    hold: null,
    ...more,
  };
  return world.outputs.stream(process, options, AbortSignal.timeout(20_000));
}

async function frames(
  world: World,
  process: FakeProcess,
  more: Partial<StreamOutputOptions> = {},
  onFrame: (frame: OutputFrame) => void = () => {},
): Promise<OutputFrame[]> {
  const all: OutputFrame[] = [];
  for await (const frame of stream(world, process, more)) {
    all.push(frame);
    onFrame(frame);
  }
  return all;
}

function text(all: readonly OutputFrame[]): string {
  return all.map((frame) => (frame.kind === "chunk" ? Buffer.from(frame.chunk.data).toString() : "")).join("");
}

describe("a start", () => {
  test.each<[string, OutputStart, string]>([
    ["an offset", { position: { kind: "offset", offset: 2 }, since: null }, "b\nc\n"],
    ["a tail", { position: { kind: "tailLines", lines: 1 }, since: null }, "c\n"],
    ["a tail of bytes", { position: { kind: "tailBytes", bytes: 3 }, since: null }, "\nc\n"],
    ["a time", { ...beginning, since: 2_000_000n }, "b\nc\n"],
    [
      "the later of a tail and a time: the time",
      { position: { kind: "tailLines", lines: 9 }, since: 3_000_000n },
      "c\n",
    ],
    ["the later of a tail and a time: the tail", { position: { kind: "tailLines", lines: 1 }, since: 1n }, "c\n"],
  ])("at %s", async (_, start, expected) => {
    const world = new World();
    const process = world.start("a");
    for (const [index, line] of ["a\n", "b\n", "c\n"].entries()) process.run.write(line, (index + 1) * 1000);
    expect(text(await frames(world, process, { start, follow: false }))).toBe(expected);
    const read = await world.outputs.read(process, { run: null, start, streams: [], until: null, maxBytes: 100 });
    expect(Buffer.concat(read.chunks.map(({ data }) => data)).toString()).toBe(expected);
    expect(read).toMatchObject({ processId: "a", run: 1, gap: null, nextOffset: 6 });
    expect(process.run.open).toBe(0);
  });

  test("in the future passes over what comes before", async () => {
    const world = new World();
    const process = world.start("a");
    const start = { ...beginning, since: 5_000_000n };
    const all = await frames(world, process, { start }, (frame) => {
      if (frame.kind !== "opened") return;
      process.run.write("early ", 4000);
      process.run.write("late ", 5000);
      // A clock that was set back makes it no less wanted.
      process.run.write("later", 4500);
      process.run.end();
    });
    expect(text(all)).toBe("late later");
  });

  test("beyond the end is refused", async () => {
    const world = new World();
    const process = world.start("a");
    process.run.write("abc");
    const start = { position: { kind: "offset", offset: 4 }, since: null } as const;
    const refusal = { reason: "OFFSET_OUT_OF_RANGE", metadata: { offset: "4", next_offset: "3" } };
    await expect(frames(world, process, { start })).rejects.toMatchObject(refusal);
    expect(process.run.open).toBe(0);
  });

  test("of what was dropped begins with a gap, but for a tail", async () => {
    const world = new World();
    const process = world.start("a");
    process.run.limitBytes = 4;
    process.run.write("12");
    process.run.write("34");
    process.run.write("56");
    const all = await frames(world, process, { follow: false });
    expect(all.slice(1, 3)).toMatchObject([
      { kind: "gap", gap: { from: 0, to: 2 } },
      { kind: "chunk", chunk: { offset: 2 } },
    ]);
    const start = { position: { kind: "tailBytes", bytes: 100 }, since: null } as const;
    expect((await frames(world, process, { start, follow: false })).map(({ kind }) => kind)).toEqual([
      "opened",
      "chunk",
      "chunk",
      "end",
    ]);
  });
});

describe("frames that come at once", () => {
  const more = (all: readonly OutputFrame[]) => all.map((frame) => "more" in frame && frame.more === true);

  test("say so: all of a small output", async () => {
    const world = new World();
    const process = world.start("a");
    process.run.write("a");
    process.run.write("b");
    const all = await frames(world, process, { follow: false });
    expect(all.map(({ kind }) => kind)).toEqual(["opened", "chunk", "chunk", "end"]);
    expect(more(all)).toEqual([true, true, true, false]);
  });

  test("do not where something has to be waited for, or looked for", async () => {
    const world = new World();
    const process = world.start("a");
    process.run.write("a");
    process.run.write("b");
    const followed = stream(world, process);
    const first = [await followed.next(), await followed.next(), await followed.next()];
    expect(more(first.map(({ value }) => value as OutputFrame))).toEqual([false, true, false]);
    await followed.return();
    for (const selective of [{ streams: ["stderr" as const] }, { start: { ...beginning, since: 1n } }]) {
      expect(more((await frames(world, process, { follow: false, ...selective })).slice(0, 1))).toEqual([false]);
    }
    const empty = world.start("b");
    empty.run.chunks = [];
    expect(more(await frames(world, empty, { follow: false }))).toEqual([false, false]);
  });
});

describe("a read ahead", () => {
  const piece = 192 * 1024;
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  async function untilFirstChunk(world: World, process: FakeProcess) {
    for (const letter of "abcde") process.run.write(Buffer.alloc(piece, letter));
    const reading = stream(world, process, { follow: false });
    const first = [await reading.next(), await reading.next()].at(-1)?.value as OutputFrame;
    expect(first).toMatchObject({ kind: "chunk", chunk: { offset: 0 } });
    return reading;
  }

  test("is made while the chunk before is being sent, and what is lost after it is a gap", async () => {
    const world = new World();
    const process = world.start("a");
    const reading = await untilFirstChunk(world, process);
    await turns();
    process.run.drop();
    const rest = await Array.fromAsync(reading);
    expect(rest).toMatchObject([
      { kind: "chunk", chunk: { offset: piece } },
      { kind: "gap", gap: { from: 2 * piece, to: 5 * piece } },
      { kind: "end", finalOffset: 5 * piece },
    ]);
    expect(text(rest.slice(0, 1))).toBe("b".repeat(piece));
  });

  test("changes nothing for whoever comes back at once", async () => {
    const world = new World();
    const process = world.start("a");
    const all = await Array.fromAsync(await untilFirstChunk(world, process));
    expect(text(all)).toBe(["b", "c", "d", "e"].map((letter) => letter.repeat(piece)).join(""));
  });

  test("ends with its stream", async () => {
    const world = new World();
    const process = world.start("a");
    for (const waits of [false, true]) {
      const reading = await untilFirstChunk(world, process);
      if (waits) await turns();
      await reading.return();
      expect(process.run.open).toBe(0);
      await turns();
      process.run.drop();
      process.run.written = 0;
    }
  });
});

describe("an end", () => {
  test("at a time that is over", async () => {
    const world = new World();
    const process = world.start("a");
    process.run.write("1", 1000);
    process.run.write("2", 2000);
    const all = await frames(world, process, { until: 2_000_000n });
    expect(text(all)).toBe("1");
    expect(all.at(-1)).toMatchObject({ kind: "end", reason: "snapshot", finalOffset: 1 });
    const read = await world.outputs.read(process, {
      run: null,
      start: beginning,
      streams: [],
      until: 2_000_000n,
      maxBytes: 100,
    });
    expect(read).toMatchObject({ nextOffset: 1, chunks: [{ offset: 0 }] });
  });

  test("at a time that comes, even if nothing is written then", async () => {
    const world = new World();
    const process = world.start("a");
    const all = await frames(world, process, { until: BigInt(Date.now() + 50) * 1_000_000n });
    expect(all.at(-1)).toMatchObject({ kind: "end", reason: "snapshot", finalOffset: 0 });
  });

  test("waits for the exit status, and for a restart to be decided", async () => {
    const world = new World();
    const process = world.start("a");
    const { run } = process;
    const all = await frames(world, process, {}, (frame) => {
      if (frame.kind !== "opened") return;
      run.nextRun = "undecided";
      run.complete = true;
      run.write("x");
      world.outputs.notify(run);
      setTimeout(() => run.end(), 5);
      setTimeout(() => {
        world.restart(process);
        world.outputs.notify(run);
      }, 10);
    });
    expect(all.at(-1)).toEqual({ kind: "end", finalOffset: 1, reason: "complete", exit: success, nextRun: 2 });
  });

  test("tells a lost run and a removed one", async () => {
    const world = new World();
    const [a, b] = [world.start("a"), world.start("b")];
    const lost = await frames(world, a, {}, () => {
      a.run.over = "lost";
      world.outputs.notify(a.run);
    });
    expect(lost.at(-1)).toMatchObject({ reason: "lost" });
    const removed = await frames(world, b, {}, () => world.remove(b));
    expect(removed.at(-1)).toMatchObject({ reason: "removed" });
  });

  test("of an earlier run, which is named or not kept", async () => {
    const world = new World();
    const process = world.start("a");
    process.run.write("first");
    process.run.end();
    world.restart(process).write("second");
    expect(text(await frames(world, process, { run: 1 }))).toBe("first");
    expect(text(await frames(world, process, { follow: false }))).toBe("second");
    await expect(frames(world, process, { run: 3 })).rejects.toMatchObject({ reason: "RUN_NOT_FOUND" });
  });
});

test("followers of one run share what is read at one place", async () => {
  const world = new World();
  const process = world.start("a");
  const data: Uint8Array[][] = [[], [], []];
  let opened = 0;
  const all = data.map((chunks) =>
    frames(world, process, {}, (frame) => {
      if (frame.kind === "chunk") chunks.push(frame.chunk.data);
      if (frame.kind !== "opened" || ++opened < 3) return;
      process.run.write("shared");
      process.run.end();
    }),
  );
  for (const got of await Promise.all(all)) expect(text(got)).toBe("shared");
  // The same bytes, not equal ones.
  expect(data[1]?.[0]).toBe(data[0]?.[0]);
  expect(data[2]?.[0]).toBe(data[0]?.[0]);
  expect(process.run.opened).toBe(1);
});

test("a heartbeat says how far a stream is of whose output nothing was selected", async () => {
  const world = new World();
  const process = world.start("a");
  process.run.write("skipped", 1, "stderr");
  for await (const frame of stream(world, process, { streams: ["stdout"], heartbeatMs: 20 })) {
    if (frame.kind !== "heartbeat") continue;
    expect(frame.nextOffset).toBe(7);
    break;
  }
  expect(process.run.open).toBe(0);
});
