import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { ProcessManager } from "../../../../src/sdk/manager.ts";
import type {
  OutputFrame,
  OutputInfo,
  OutputRead,
  OutputReadOptions,
  StreamOptions,
} from "../../../../src/sdk/types.ts";
import { LogFeed } from "../../../../src/tui/control/log-feed.ts";
import { Store } from "../../../../src/tui/control/store.ts";
import type { Effect } from "../../../../src/tui/state/action.ts";
import { computeLayout } from "../../../../src/tui/state/layout.ts";
import { lineText } from "../../../../src/tui/state/log/log-pattern.ts";
import { visibleRows } from "../../../../src/tui/state/log/log-rows.ts";
import { initialState } from "../../../../src/tui/state/state.ts";
import { processInfo } from "../../../support/process-info.ts";

function outputInfo(first: number, next: number, stderrBytes = 0): OutputInfo {
  return {
    firstOffset: first,
    nextOffset: next,
    complete: false,
    stdoutBytes: next - stderrBytes,
    stderrBytes,
    limitBytes: 64 << 10,
    held: false,
  };
}

function chunk(offset: number, data: Buffer, stream: "stdout" | "stderr" = "stdout") {
  return { stream, offset, time: new Date(0), data };
}

/** "line 000000\n" and so on: twelve bytes each. */
const text = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `line ${String(i).padStart(6, "0")}\n`).join(""));

/** Answers reads of the text as the daemon does: of what is dropped no more is told than was asked for. */
function readAs(first: number): (options: OutputReadOptions) => OutputRead {
  return ({ start, maxBytes = 1 << 20 }) => {
    const from = start?.offset ?? Math.max(first, text.length - (start?.tailBytes ?? 0));
    const end = Math.min(text.length, from + maxBytes);
    const begin = Math.max(from, first);
    return {
      processId: "p",
      run: 1,
      chunks: begin < end ? [chunk(begin, text.subarray(begin, end))] : [],
      ...(from < first && { gap: { from, to: Math.min(first, end) } }),
      nextOffset: end,
      output: outputInfo(first, text.length),
    };
  };
}

/** A log pane over a daemon that is told by the test what to say on the stream, frame by frame. */
async function paneOn(read: (options: OutputReadOptions) => OutputRead) {
  let streaming = Promise.withResolvers<OutputFrame>();
  const asked = Promise.withResolvers<void>();
  async function* stream(_id: string, { signal }: StreamOptions): AsyncGenerator<OutputFrame> {
    const ended = new Promise<null>((resolve) => signal?.addEventListener("abort", () => resolve(null)));
    asked.resolve();
    for (;;) {
      const frame = await Promise.race([streaming.promise, ended]);
      if (frame === null) {
        return;
      }
      streaming = Promise.withResolvers();
      yield frame;
    }
  }
  const output = async (_id: string, options: OutputReadOptions) => read(options);
  const manager = { processes: { stream, output } } as unknown as ProcessManager;
  const options = { columns: 100, rows: 30, endpoint: "", context: "", contexts: [], theme: "ocean", now: 0 };
  const run = (effect: Effect): void => {
    if (effect.type === "read-start") {
      void feed.readStart();
    }
  };
  const store: Store = new Store(
    initialState(options),
    run,
    () => {},
    () => feed.changed(store.state.log),
  );
  const feed = new LogFeed(manager, store);
  onTestFinished(() => {
    feed.close();
    store.close();
  });
  const info = processInfo("p");
  store.dispatch({
    type: "watch",
    events: [{ type: "reset" }, { type: "added", process: info }, { type: "bookmark", resourceVersion: "1" }],
    now: 0,
  });
  await asked.promise;
  return {
    store,
    /** Resolves when the frame has been taken. */
    async say(frame: OutputFrame): Promise<void> {
      const before = streaming;
      before.resolve(frame);
      while (streaming === before) {
        await turn();
      }
      await turn();
    },
    press(...keys: string[]): void {
      for (const key of keys) {
        store.dispatch({ type: "input", event: { type: "key", key } });
      }
    },
    rows(): string[] {
      return visibleRows(store.state.log, computeLayout(store.state).logSize).map(({ line }) =>
        line.gap ? `missing ${line.gap.from}-${line.gap.to}` : lineText(line),
      );
    },
    async shows(first: string): Promise<void> {
      while (this.rows()[0] !== first || this.rows().length < 2) {
        await store.nextFrame();
      }
    },
  };
}

const first = 2_200_000;
const kept = text.subarray(first);

test("output that was dropped between the beginning of a tail and its first bytes is told as missing", async () => {
  const pane = await paneOn(readAs(first));
  // When the stream was opened everything was kept; when it was read, no more. Of a tail the daemon does not tell.
  const output = outputInfo(0, 100_000);
  await pane.say({ type: "opened", processId: "p", run: 1, startOffset: 0, output });
  await pane.say({ type: "chunk", ...chunk(first, kept) });
  await pane.store.nextFrame();
  pane.press("2", "g");
  await pane.shows(`missing 0-${first}`);
  expect(pane.rows()[1]).toBe(kept.subarray(0, kept.indexOf(10)).toString());
});

test("the same where a part was dropped before: all of it is told as one gap", async () => {
  const pane = await paneOn(readAs(first));
  await pane.say({ type: "opened", processId: "p", run: 1, startOffset: 50_000, output: outputInfo(50_000, 100_000) });
  await pane.say({ type: "chunk", ...chunk(first, kept) });
  await pane.store.nextFrame();
  pane.press("2", "g");
  await pane.shows(`missing 0-${first}`);
});

test("the beginning is shown where more is missing than is read at a time, whichever read comes first", async () => {
  const pane = await paneOn(readAs(first));
  const from = text.length - 10_000;
  await pane.say({ type: "opened", processId: "p", run: 1, startOffset: from, output: outputInfo(first, text.length) });
  await pane.say({ type: "chunk", ...chunk(from, text.subarray(from)) });
  await pane.store.nextFrame();
  pane.press("2", "g");
  await pane.shows(`missing 0-${first}`);
  for (let frame = 0; frame < 5; frame++) {
    await pane.store.nextFrame();
  }
  expect(pane.rows()[0]).toBe(`missing 0-${first}`);
});

test.each([
  ["the end", "G", "line 299999", null],
  ["a line of what is still to be read", "j", `missing 0-${first}`, 0],
])("keys that come together: from the beginning to %s", async (_name, key, row, top) => {
  const pane = await paneOn(readAs(first));
  const from = text.length - 10_000;
  await pane.say({ type: "opened", processId: "p", run: 1, startOffset: from, output: outputInfo(first, text.length) });
  await pane.say({ type: "chunk", ...chunk(from, text.subarray(from)) });
  await pane.store.nextFrame();
  pane.press("2", "g", key);
  for (let frame = 0; frame < 5; frame++) {
    await pane.store.nextFrame();
  }
  expect(pane.store.state.log.top?.offset ?? null).toBe(top);
  expect(pane.rows().at(top === null ? -1 : 0)).toBe(row);
});

test("the beginning of a stream is shown however much of the other one comes before", async () => {
  const words = Buffer.from("first\nsecond\n");
  const at = 1_000_000;
  const next = 2_000_000;
  const output = outputInfo(0, next, words.length * 2);
  const pane = await paneOn(({ start, maxBytes = next }) => {
    const from = start?.offset ?? next - words.length;
    const to = Math.min(next, from + maxBytes);
    const chunks = [at, next - words.length].filter((offset) => offset >= from && offset < to);
    return {
      processId: "p",
      run: 1,
      chunks: chunks.map((offset) => chunk(offset, words, "stderr")),
      nextOffset: to,
      output,
    };
  });
  pane.press("e", "e");
  await pane.shows("first");
  expect(pane.store.state.log.window.from).toBe(next - words.length);
  pane.press("2", "g");
  while (pane.store.state.log.window.from !== 0) {
    await pane.store.nextFrame();
  }
  await pane.shows("first");
  expect(visibleRows(pane.store.state.log, { rows: 1, columns: 80 })[0]?.line.offset).toBe(at);
});

test("what there was when a process was opened is shown in one frame, however it arrives", async () => {
  const pane = await paneOn(readAs(0));
  const wide = Buffer.from(`${"0".repeat(300)}\n`);
  const begin = text.subarray(0, 1200);
  const next = begin.length + wide.length;
  await pane.say({ type: "opened", processId: "p", run: 1, startOffset: 0, output: outputInfo(0, next) });
  await pane.say({ type: "chunk", ...chunk(0, begin) });
  await pane.store.nextFrame();
  expect(pane.rows()).toEqual([]);
  await pane.say({ type: "chunk", ...chunk(begin.length, wide) });
  await pane.store.nextFrame();
  // The long line is in view as soon as any is: it is what can be scrolled sideways.
  expect(pane.rows().at(-1)).toBe(wide.toString().trimEnd());
  pane.press("2", "l", "l");
  expect(pane.store.state.log.column).toBe(16);
});
