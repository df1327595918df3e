import { once } from "node:events";
import { describe, expect, test } from "vitest";
import type { ProcessManager } from "../../../src/sdk/manager.ts";
import type { OutputFrame, OutputStart, WriteOptions } from "../../../src/sdk/types.ts";
import { Attachment } from "../../../src/terminal/attachment.ts";
import { processInfo } from "../../support/process-info.ts";

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}

interface Options {
  /** Output from before anybody attached. */
  readonly history?: string;
  /** Whether the process takes what is typed. */
  readonly reads?: boolean;
  readonly lines?: number;
}

/** An attachment to a process with a terminal whose daemon is this test. */
function attach({ history = "", reads = true, lines = 20 }: Options = {}) {
  const written: string[] = [];
  const received: string[] = [];
  const streams: (OutputStart | undefined)[] = [];
  const opened = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const processes = {
    output: async () => ({
      chunks: history === "" ? [] : [{ stream: "stdout", offset: 1000, time: 0, data: Buffer.from(history) }],
      nextOffset: 1000 + history.length,
    }),
    async *stream(_id: string, { start, signal }: { start?: OutputStart; signal: AbortSignal }) {
      streams.push(start);
      const from = start?.offset ?? 1000;
      const data = Buffer.from(history.slice(from - 1000));
      yield { type: "chunk", stream: "stdout", offset: from, data } as unknown as OutputFrame;
      opened.resolve();
      await aborted(signal);
    },
    write: async (_id: string, data: Uint8Array, { signal, precondition }: WriteOptions & { signal: AbortSignal }) => {
      // Whatever is typed is for the run that is attached to.
      expect(precondition).toEqual({ run: 1 });
      if (!reads) {
        await aborted(signal);
      }
      signal.throwIfAborted();
      if (data.length > 0) {
        received.push(Buffer.from(data).toString("latin1"));
        arrived.resolve();
      }
      return { inputOffset: received.join("").length };
    },
    resizeTerminal: async () => undefined,
  };
  const info = processInfo("program");
  const attachment = new Attachment(
    { processes } as unknown as ProcessManager,
    { ...info, spec: { ...info.spec, terminal: { rows: 24, columns: 80 } } },
    {
      size: { rows: 24, columns: 80 },
      write: async (data) => void written.push(Buffer.from(data).toString("latin1")),
      notify: () => undefined,
      suspend: () => undefined,
    },
    { name: "program", leaving: "returns", lines },
  );
  const end = attachment.run();
  return {
    attachment,
    end,
    received,
    streams,
    /** Resolves when the earlier output has been written. */
    opened: opened.promise,
    /** Resolves when the process has got something. */
    arrived: arrived.promise,
    written: () => written.join(""),
  };
}

describe("leaving a process", () => {
  test("waits for what was typed before it", async () => {
    const { attachment, end, received } = attach();
    attachment.input(Buffer.from("a command\r"));
    attachment.input(Buffer.from("another\r\x1dnot this"));
    attachment.input(Buffer.from("nor this"));
    expect(await end).toEqual({ reason: "detached" });
    expect(received).toEqual(["a command\r", "another\r"]);
  });

  test("waits for a bounded time only", async () => {
    const { attachment, end, received } = attach({ reads: false });
    attachment.input(Buffer.from("a command\r\x1d"));
    expect(await end).toEqual({ reason: "detached" });
    expect(received).toEqual([]);
  });
});

test("Escape reaches the process, although it may begin the key that leaves", async () => {
  const { attachment, end, arrived, received } = attach();
  attachment.input(Buffer.from("\x1b"));
  await arrived;
  attachment.input(Buffer.from("x\x1d"));
  await end;
  expect(received).toEqual(["\x1b", "x"]);
});

describe("what a program has set before anybody attached", () => {
  const lines = "a line\r\n".repeat(30);

  test.each<[string, string, string, string]>([
    ["before the lines that are shown", "\x1b[>1u", lines, "\x1b[<u"],
    ["within them", "", `\x1b[>1u${lines.slice(0, 100)}`, "\x1b[<u"],
    ["before and within them", `\x1b[>1u${lines}`, `\x1b[>3u${lines.slice(0, 100)}`, "\x1b[<2u"],
    ["and taken back", `\x1b[>1u${lines}`, `${lines.slice(0, 100)}\x1b[<u`, ""],
  ])("%s is set once", async (_name, before, after, leave) => {
    const { attachment, end, opened, written } = attach({ history: before + after });
    await opened;
    expect(written().match(/\[>\du/g)).toEqual((before + after).match(/\[>\du/g));
    expect(attachment.modes.leave).toBe(leave);
    attachment.detach();
    await end;
  });

  test("colours the lines that it was set for, not those before them", async () => {
    const { attachment, end, opened, written } = attach({ history: "one\r\ntwo\r\n\x1b[31mthree\r\n", lines: 2 });
    await opened;
    expect(written()).toBe("two\r\n\x1b[31mthree\r\n");
    attachment.detach();
    await end;
  });

  test("of a screen that it fills is followed by what comes next: it draws itself anew", async () => {
    const history = `\x1b[>1u\x1b[?1049h${lines}`;
    const { attachment, end, opened, written, streams } = attach({ history });
    await opened;
    expect(written()).toBe("\x1b[>1u\x1b[?1049h");
    expect(streams).toEqual([{ offset: 1000 + history.length }]);
    attachment.detach();
    await end;
  });

  test("more lines than were read are asked for", async () => {
    const { attachment, end, opened, streams } = attach({ history: lines, lines: 31 });
    await opened;
    expect(streams).toEqual([{ tailLines: 31 }]);
    attachment.detach();
    await end;
  });
});
