import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { everything } from "../../../../src/server/engine/api/list.ts";
import type { OutputCursor, OutputsFrame, StreamOutputsOptions } from "../../../../src/server/engine/api/output.ts";
import { type FakeProcess, success, World } from "./output-fakes.ts";

const beginning = { position: { kind: "offset", offset: 0 }, since: null } as const;

function options(more: Partial<StreamOutputsOptions> = {}): StreamOutputsOptions {
  return {
    filter: everything,
    start: beginning,
    cursors: [],
    streams: [],
    follow: false,
    untilIdle: false,
    until: null,
    mergeWindowMs: 50,
    heartbeatMs: 15_000,
    currentRunOnly: false,
    ...more,
  };
}

/** What a client knows from the frames that it has. */
class Client {
  readonly #ended = new Map<number, string>();
  readonly members = new Map<number, OutputCursor>();
  readonly frames: OutputsFrame[] = [];
  readonly texts = new Map<string, string>();
  readonly gaps: string[] = [];
  order = "";

  take(frame: OutputsFrame): void {
    this.frames.push(frame);
    switch (frame.kind) {
      case "memberOpened":
        expect(this.members.has(frame.member)).toBe(false);
        this.members.set(frame.member, {
          processId: frame.processId,
          run: frame.run,
          nextOffset: frame.startOffset,
        });
        break;
      case "chunk": {
        const { chunk } = frame;
        this.#move(frame.member, chunk.offset, chunk.offset + chunk.data.length);
        const text = Buffer.from(chunk.data).toString("latin1");
        const name = this.name(frame.member);
        this.texts.set(name, (this.texts.get(name) ?? "") + text);
        this.order += text;
        break;
      }
      case "gap":
        this.#move(frame.member, frame.gap.from, frame.gap.to);
        this.gaps.push(`${this.name(frame.member)} ${frame.gap.from}-${frame.gap.to}`);
        break;
      case "memberEnd":
        expect(this.#ended.has(frame.member)).toBe(false);
        this.#ended.set(frame.member, frame.end.reason);
        this.#move(frame.member, frame.end.finalOffset, frame.end.finalOffset);
        break;
      case "heartbeat":
        for (const cursor of frame.cursors) {
          const [member] = [...this.members].find(
            ([, known]) => known.processId === cursor.processId && known.run === cursor.run,
          ) ?? [0];
          this.#move(member, cursor.nextOffset, cursor.nextOffset);
        }
        break;
    }
  }

  #move(member: number, from: number, to: number): void {
    const cursor = this.members.get(member);
    if (cursor === undefined) throw new Error(`frame of an unknown member ${member}`);
    expect(this.#ended.has(member) && from < to).toBe(false);
    expect(from).toBeGreaterThanOrEqual(cursor.nextOffset);
    this.members.set(member, { ...cursor, nextOffset: to });
  }

  name(member: number): string {
    const cursor = this.members.get(member);
    return `${cursor?.processId}/${cursor?.run}`;
  }

  get cursors(): OutputCursor[] {
    return [...this.members.values()];
  }

  get ends(): Record<string, string> {
    return Object.fromEntries([...this.#ended].map(([member, reason]) => [this.name(member), reason]));
  }
}

async function all(world: World, more: Partial<StreamOutputsOptions> = {}): Promise<Client> {
  const client = new Client();
  const frames = world.outputs.streamMany(options(more), AbortSignal.timeout(20_000));
  for await (const frame of frames) client.take(frame);
  return client;
}

/** Takes frames until a condition holds; the stream is then closed. */
async function until(
  world: World,
  more: Partial<StreamOutputsOptions>,
  enough: (client: Client) => boolean,
  onFrame: (client: Client, frame: OutputsFrame) => void | Promise<void> = () => {},
): Promise<Client> {
  const client = new Client();
  const frames = world.outputs.streamMany(options({ follow: true, ...more }), AbortSignal.timeout(20_000));
  for await (const frame of frames) {
    client.take(frame);
    await onFrame(client, frame);
    if (enough(client)) break;
  }
  return client;
}

function text(client: Client, name: string): string {
  return client.texts.get(name) ?? "";
}

describe("what was there", () => {
  test("is in order of time over all processes, as sorting everything would bring it", async () => {
    const piece = fc.record({
      process: fc.nat({ max: 5 }),
      at: fc.nat({ max: 60 }),
      size: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 4000, max: 9000 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 80 }), async (pieces) => {
        const world = new World();
        const processes = Array.from({ length: 6 }, (_, index) => world.start(`p${index}`));
        /** What a naive merge would sort. A member never goes back in time. */
        const expected: { time: number; member: number; sequence: number; text: string }[] = [];
        const last = new Map<number, number>();
        for (const [sequence, { process, at, size }] of pieces.entries()) {
          const time = 1_700_000_000_000_000 + at * 1000;
          const data = String.fromCharCode(97 + process).repeat(size - 1) + String(sequence % 10);
          processes[process]?.run.write(data, time);
          const effective = Math.max(time, last.get(process) ?? 0);
          last.set(process, effective);
          expected.push({ time: effective, member: process, sequence, text: data });
        }
        expected.sort((a, b) => a.time - b.time || a.member - b.member || a.sequence - b.sequence);
        const client = await all(world);
        expect(client.order).toBe(expected.map((entry) => entry.text).join(""));
        expect(new Set(Object.values(client.ends))).toEqual(new Set(["snapshot"]));
        for (const process of processes) expect(process.run.open).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test("may be more than is kept at once", async () => {
    const world = new World();
    const processes = Array.from({ length: 5 }, (_, index) => world.start(`p${index}`));
    const size = 65_536;
    for (let round = 0; round < 100; round++) {
      for (const [index, process] of processes.entries()) {
        process.run.write(Buffer.alloc(size, 97 + index), (round * 5 + index) * 1000);
      }
    }
    const client = await all(world);
    const turns: string[] = [];
    for (let at = 0; at < client.order.length; at += size) turns.push(client.order[at] ?? "");
    expect(turns.join("")).toBe("abcde".repeat(100));
    expect(client.order).toHaveLength(500 * size);
  });

  test("begins where it was asked to, for each process", async () => {
    const world = new World();
    world.start("a").run.write("1\n2\n3\n", 1000);
    world.start("b").run.write("4\n5", 2000);
    const tail = { position: { kind: "tailLines", lines: 1 }, since: null } as const;
    expect((await all(world, { start: tail })).order).toBe("3\n5");
    const since = { position: { kind: "offset", offset: 0 }, since: 1_500_000n } as const;
    expect((await all(world, { start: since })).order).toBe("4\n5");
    expect((await all(world, { until: 1_500_000n })).order).toBe("1\n2\n3\n");
    expect((await all(world, { filter: { ...everything, ids: ["b"] } })).order).toBe("4\n5");
  });

  test("of a stream that was not selected is passed over, and the cursor says so", async () => {
    const world = new World();
    const a = world.start("a");
    for (let index = 0; index < 500; index++) a.run.write("x".repeat(1000), index, "stderr");
    a.run.write("out", 1000);
    a.run.write("y".repeat(100), 2000, "stderr");
    const client = await all(world, { streams: ["stdout"] });
    expect(client.order).toBe("out");
    expect(client.cursors).toEqual([{ processId: "a", run: 1, nextOffset: 500_103 }]);
  });
});

describe("what comes", () => {
  test("follows, with runs and processes that join, until all have ended", async () => {
    const world = new World();
    const a = world.start("a", { app: "web" });
    world.start("other");
    a.run.write("a1 ");
    const steps: (() => void)[] = [
      () => a.run.write("a2 "),
      () => {
        a.run.nextRun = "undecided";
        a.run.end();
        world.changed(a);
        setImmediate(() => {
          const first = a.run;
          const second = world.restart(a);
          second.write("second ");
          world.outputs.notify(first);
        });
      },
      () => world.start("b", { app: "web" }).run.write("b1 "),
      () => world.find("b")?.run.end(),
      () => a.run.end(),
    ];
    const filter = { ...everything, labels: [{ key: "app", op: "equals", value: "web" } as const] };
    const seen = ["a1 ", "a2 ", "second ", "b1 "];
    const client = await until(
      world,
      { filter, untilIdle: true },
      () => false,
      (now, frame) => {
        if (frame.kind === "chunk" && now.order.endsWith(seen[0] ?? "?")) {
          seen.shift();
          steps.shift()?.();
        } else if (frame.kind === "memberEnd" && now.name(frame.member) === "b/1") {
          steps.shift()?.();
        }
      },
    );
    expect([...client.texts]).toEqual([
      ["a/1", "a1 a2 "],
      ["a/2", "second "],
      ["b/1", "b1 "],
    ]);
    expect(client.ends).toEqual({ "a/1": "complete", "a/2": "complete", "b/1": "complete" });
    const end = client.frames.find((frame) => frame.kind === "memberEnd");
    expect(end).toMatchObject({ end: { finalOffset: 6, reason: "complete", exit: success, nextRun: 2 } });
    expect(world.listeners).toBe(0);
  });

  test("of a process that is relabeled begins where the request says, of a new one at its beginning", async () => {
    const world = new World();
    const old = world.start("old");
    old.run.write("one\ntwo\n");
    world.start("first", { app: "web" }).run.write("x\n");
    const filter = { ...everything, labels: [{ key: "app", op: "equals", value: "web" } as const] };
    const start = { position: { kind: "tailLines", lines: 1 }, since: null } as const;
    const client = await until(
      world,
      { filter, start },
      (now) => now.order.includes("new"),
      (now, frame) => {
        if (frame.kind !== "chunk") return;
        if (now.order === "x\n") {
          old.labels = { app: "web" };
          world.changed(old);
        } else if (now.order === "x\ntwo\n") {
          world.start("new", { app: "web" }).run.write("a\nb\nnew\n");
        }
      },
    );
    expect(client.order).toBe("x\ntwo\na\nb\nnew\n");
  });

  test("keeps the current runs only, if asked to", async () => {
    const world = new World();
    const a = world.start("a");
    a.run.write("1");
    const client = await until(
      world,
      { currentRunOnly: true, untilIdle: true },
      () => false,
      (_, frame) => {
        if (frame.kind !== "chunk") return;
        const first = a.run;
        world.restart(a).write("2");
        first.end();
      },
    );
    expect(client.ends).toEqual({ "a/1": "complete" });
    expect(client.order).toBe("1");
  });

  test("is kept back, so that what another wrote before comes first", async () => {
    const world = new World();
    const [a, b] = [world.start("a"), world.start("b")];
    const client = await until(
      world,
      { mergeWindowMs: 1500 },
      (now) => now.order.length === 4,
      (_, frame) => {
        if (frame.kind !== "memberOpened" || frame.processId !== "b") return;
        const now = Date.now() * 1000;
        // After the stream has begun to follow; what is later in time is noticed first.
        setTimeout(() => {
          b.run.write("2", now + 2000);
          setTimeout(() => {
            a.run.write("1", now + 1000);
            b.run.write("4", now + 4000);
            a.run.write("3", now + 3000);
          }, 10);
        }, 10);
      },
    );
    expect(client.order).toBe("1234");
  });

  test("is kept back as well if it came while the members joined one after the other", async () => {
    const world = new World();
    const [a, b] = [world.start("a"), world.start("b")];
    const client = await until(
      world,
      { mergeWindowMs: 1500 },
      (now) => now.order.length === 2,
      (_, frame) => {
        if (frame.kind !== "memberOpened" || frame.processId !== "a") return;
        // After the opening, and before its process joins.
        const now = Date.now() * 1000 + 1000;
        b.run.write("2", now + 1);
        setTimeout(() => a.run.write("1", now), 20);
      },
    );
    expect(client.order).toBe("12");
  });

  test("comes even if a clock was set back by an hour", async () => {
    const world = new World();
    const a = world.start("a");
    const ahead = Date.now() * 1000 + 3_600_000_000;
    a.run.write("1", ahead);
    const client = await until(
      world,
      { mergeWindowMs: 20 },
      (now) => now.order === "123",
      (now, frame) => {
        if (frame.kind !== "chunk") return;
        if (now.order === "1") a.run.write("2", ahead + 1);
        if (now.order === "12") a.run.write("3", 5);
      },
    );
    expect(client.order).toBe("123");
  });

  test("is in order again once a clock that was set back is trusted", async () => {
    const world = new World();
    const [a, b] = [world.start("a"), world.start("b")];
    const client = await until(
      world,
      { mergeWindowMs: 100 },
      (now) => now.order.length === 3,
      (_, frame) => {
        if (frame.kind === "memberOpened" && frame.processId === "a")
          a.run.write("0", Date.now() * 1000 + 3_600_000_000);
        if (frame.kind !== "chunk" || frame.chunk.offset > 0 || frame.member !== 1) return;
        const now = Date.now() * 1000 + 1000;
        b.run.write("2", now + 1);
        a.run.write("1", now);
      },
    );
    expect(client.order).toBe("012");
  });

  test("ends for a process that is removed, and for one that was lost", async () => {
    const world = new World();
    const [a, b] = [world.start("a"), world.start("b")];
    a.run.write("1");
    b.run.write("2");
    const client = await until(
      world,
      { untilIdle: true },
      () => false,
      (now, frame) => {
        if (frame.kind !== "chunk" || now.order.length < 2) return;
        world.remove(a);
        b.run.over = "lost";
        world.outputs.notify(b.run);
      },
    );
    expect(client.ends).toEqual({ "a/1": "removed", "b/1": "lost" });
  });

  test("ends at a time that has come", async () => {
    const world = new World();
    world.start("a").run.write("1");
    const client = await all(world, { follow: true, until: BigInt(Date.now() + 100) * 1_000_000n });
    expect(client.order).toBe("1");
    expect(client.ends).toEqual({ "a/1": "snapshot" });
  });

  test("ends with the engine, with the client, and without members at once", async () => {
    const world = new World();
    const closing = (async () => {
      const frames = world.outputs.streamMany(options({ follow: true }), AbortSignal.timeout(20_000));
      for await (const _ of frames) setTimeout(() => world.close(new Error("closing")), 5);
    })();
    await expect(closing).rejects.toThrow("closing");
    const other = new World();
    const controller = new AbortController();
    const aborted = (async () => {
      for await (const _ of other.outputs.streamMany(options({ follow: true }), controller.signal)) {
        setTimeout(() => controller.abort(new Error("gone")), 5);
      }
    })();
    await expect(aborted).rejects.toThrow("gone");
    expect(other.listeners).toBe(0);
    expect((await all(other, { follow: true, untilIdle: true })).frames).toEqual([{ kind: "opened", selected: 0 }]);
  });
});

describe("a flood", () => {
  /** Writes whenever somebody reads, as a process does that never stops. */
  function flood(process: FakeProcess, controller: AbortController, size: number): void {
    const write = () => {
      if (controller.signal.aborted) return;
      process.run.write(Buffer.alloc(size, "f"));
      setImmediate(write);
    };
    write();
  }

  test("starves nobody: a quiet process's lines come in turn, and what is dropped is a gap of the flood", async () => {
    const world = new World();
    const controller = new AbortController();
    const floods = Array.from({ length: 4 }, (_, index) => world.start(`flood${index}`));
    for (const process of floods) process.run.limitBytes = 1 << 20;
    const quiet = world.start("quiet");
    for (const process of floods) flood(process, controller, 300_000);
    let bytesBetween = 0;
    let most = 0;
    let lines = 0;
    const client = new Client();
    for await (const frame of world.outputs.streamMany(
      options({ follow: true, mergeWindowMs: 0, filter: everything }),
      AbortSignal.timeout(20_000),
    )) {
      client.take(frame);
      if (frame.kind !== "chunk") continue;
      if (client.name(frame.member) === "quiet/1") {
        most = Math.max(most, bytesBetween);
        if (++lines === 20) break;
      } else {
        bytesBetween += frame.chunk.data.length;
      }
      // One line, while many megabytes of the others wait. What was there at the beginning has no turns.
      if (quiet.run.written === lines && client.order.length > 4 * 300_000) {
        quiet.run.write("q");
        bytesBetween = 0;
      }
    }
    controller.abort();
    // Two turns of four members of 64 KiB, and a chunk that a turn may end with.
    expect(most).toBeLessThanOrEqual(2 * 4 * (64 + 64) * 1024);
    expect(text(client, "quiet/1")).toBe("q".repeat(20));
    for (const process of floods) expect(process.run.open).toBe(0);
  });

  test("gives each flooding process its share", async () => {
    const world = new World();
    const controller = new AbortController();
    const floods = Array.from({ length: 3 }, (_, index) => world.start(`flood${index}`));
    for (const [index, process] of floods.entries()) {
      process.run.limitBytes = 4 << 20;
      flood(process, controller, 200_000 * (index + 1));
    }
    const total = (client: Client) => client.order.length;
    const client = await until(world, { mergeWindowMs: 10 }, (now) => total(now) > 12_000_000);
    controller.abort();
    const shares = floods.map((process) => text(client, `${process.id}/1`).length);
    expect(Math.min(...shares)).toBeGreaterThan(2_000_000);
  });

  test("that a slow reader cannot take leaves gaps, which are exact", async () => {
    const world = new World();
    const a = world.start("a");
    a.run.limitBytes = 1000;
    let sent = 0;
    const write = () => {
      for (let index = 0; index < 20; index++) a.run.write(String(sent++).padStart(100, "."));
    };
    write();
    const client = await until(
      world,
      { untilIdle: true, mergeWindowMs: 0 },
      () => false,
      () => {
        if (sent < 400) write();
        else if (a.run.running) a.run.end();
      },
    );
    expect(client.gaps.length).toBeGreaterThan(2);
    const cursor = client.cursors[0];
    expect(cursor?.nextOffset).toBe(sent * 100);
    for (const frame of client.frames) {
      if (frame.kind !== "chunk") continue;
      const line = Buffer.from(frame.chunk.data).toString();
      const expected = String(Math.floor(frame.chunk.offset / 100)).padStart(100, ".");
      expect(expected.slice(frame.chunk.offset % 100).startsWith(line.slice(0, 100))).toBe(true);
    }
  });
});

describe("cursors", () => {
  test("resume exactly, wherever the stream was cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 6 }), async (cuts) => {
        const world = new World();
        const processes = [world.start("a"), world.start("b"), world.start("c")];
        const expected = new Map<string, string>();
        let line = 0;
        const write = (count: number) => {
          for (let index = 0; index < count; index++) {
            const process = processes[line % 3];
            if (process === undefined) continue;
            const data = `${line++}\n`;
            process.run.write(data, line * 1000, line % 4 === 0 ? "stderr" : "stdout");
            const name = `${process.id}/${process.run.number}`;
            expected.set(name, (expected.get(name) ?? "") + data);
          }
        };
        write(20);
        const got = new Map<string, string>();
        const cursors = new Map<string, OutputCursor>();
        for (const [index, cut] of [...cuts, 1_000_000].entries()) {
          let frames = 0;
          const client = new Client();
          const stream = world.outputs.streamMany(
            options({
              cursors: [...cursors.values()],
              follow: index === cuts.length,
              untilIdle: index === cuts.length,
              mergeWindowMs: 1,
            }),
            AbortSignal.timeout(20_000),
          );
          for await (const frame of stream) {
            client.take(frame);
            if (index === cuts.length) for (const { run } of processes) if (run.running) run.end();
            // A client may be cut off only once it knows everybody: the rest it asks for again.
            if (client.members.size >= processes.length && ++frames > cut) break;
          }
          for (const [name, piece] of client.texts) got.set(name, (got.get(name) ?? "") + piece);
          // What the cut stream has not told again stands as it did.
          for (const cursor of client.cursors) cursors.set(`${cursor.processId}/${cursor.run}`, cursor);
          write(7);
          if (index === 1) {
            const [a] = processes;
            if (a !== undefined) {
              const first = a.run;
              world.restart(a);
              first.end();
            }
          }
          if (index === cuts.length) break;
        }
        const final = await all(world, { cursors: [...cursors.values()] });
        for (const [name, piece] of final.texts) got.set(name, (got.get(name) ?? "") + piece);
        expect(new Map([...got].sort())).toEqual(new Map([...expected].sort()));
      }),
      { numRuns: 40 },
    );
  });

  test("of what is gone end at once, as removed", async () => {
    const world = new World();
    const a = world.start("a");
    a.run.write("12345");
    world.restart(a).write("now");
    a.runs.pop();
    const cursors = [
      { processId: "a", run: 1, nextOffset: 3 },
      { processId: "never", run: 1, nextOffset: 9 },
    ];
    const client = await all(world, { cursors });
    expect(client.ends).toEqual({ "a/1": "removed", "never/1": "removed", "a/2": "snapshot" });
    expect(client.order).toBe("now");
  });

  test("are told in heartbeats where a client cannot know them", async () => {
    const world = new World();
    const [a, b] = [world.start("a"), world.start("b")];
    a.run.write("skipped", 1000, "stderr");
    b.run.write("seen", 1000);
    const client = await until(world, { streams: ["stdout"], heartbeatMs: 30, mergeWindowMs: 0 }, (now) =>
      now.frames.some(({ kind }) => kind === "heartbeat"),
    );
    const heartbeat = client.frames.find((frame) => frame.kind === "heartbeat");
    expect(heartbeat).toEqual({
      kind: "heartbeat",
      cursors: expect.arrayContaining([
        { processId: "a", run: 1, nextOffset: 7 },
        { processId: "b", run: 1, nextOffset: 4 },
      ]),
    });
  });

  test("beyond the end, and two of one run, are refused", async () => {
    const world = new World();
    world.start("a").run.write("123");
    const cursor = { processId: "a", run: 1, nextOffset: 4 };
    await expect(all(world, { cursors: [cursor] })).rejects.toMatchObject({ reason: "OFFSET_OUT_OF_RANGE" });
    await expect(all(world, { cursors: [cursor, cursor] })).rejects.toMatchObject({ reason: "INVALID_ARGUMENT" });
  });
});

test("ten thousand members, few of them active, keep few sources open and are not looked at again", async () => {
  const world = new World();
  const processes = Array.from({ length: 10_000 }, (_, index) => world.start(`p${index}`));
  const opened = () => processes.reduce((sum, { run }) => sum + run.opened, 0);
  const open = () => processes.reduce((sum, { run }) => sum + run.open, 0);
  let openedAtFirst = 0;
  let turns = 0;
  const active = processes.slice(5000, 5003);
  const client = await until(
    world,
    { mergeWindowMs: 1, heartbeatMs: 1000 },
    () => turns === 200,
    (_, frame) => {
      if (frame.kind === "heartbeat" && openedAtFirst === 0) {
        openedAtFirst = opened();
        expect(open()).toBeLessThanOrEqual(64);
        active[0]?.run.write("x");
      } else if (frame.kind === "chunk") {
        active[++turns % 3]?.run.write("x");
      }
    },
  );
  expect(client.members.size).toBe(10_000);
  expect(client.order).toBe("x".repeat(200));
  // Only those that wrote.
  expect(opened() - openedAtFirst).toBeLessThanOrEqual(3);
  expect(open()).toBe(0);
});
