import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { TerminalOutput } from "../../../src/terminal/output.ts";

/** More than a FIFO holds (pipe(7)). Bytes. */
const MORE = 1 << 20;

/** A non-blocking FIFO, which answers EAGAIN as a terminal does that is full. */
function openFifo(): { fd: number; read: () => string } {
  const directory = mkdtempSync(join(tmpdir(), "pm-fifo-"));
  const path = join(directory, "fifo");
  execFileSync("mkfifo", [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => {
    closeSync(fd);
    rmSync(directory, { recursive: true, force: true });
  });
  const buffer = Buffer.alloc(MORE);
  const read = (): string => {
    try {
      return buffer.toString("latin1", 0, readSync(fd, buffer));
    } catch (error) {
      expect(error).toMatchObject({ code: "EAGAIN" });
      return "";
    }
  };
  return { fd, read };
}

/** Resolves when the output has found its terminal full so many times. */
function retries(count: number): Promise<void> {
  return new Promise((resolve) => {
    const { setTimeout } = globalThis;
    const spy = vi.spyOn(globalThis, "setTimeout").mockImplementation(((callback: () => void, ms?: number) => {
      if (--count === 0) {
        spy.mockRestore();
        resolve();
      }
      return setTimeout(callback, ms);
    }) as typeof globalThis.setTimeout);
    onTestFinished(() => spy.mockRestore());
  });
}

describe("a terminal that is full", () => {
  test("keeps the output busy until it has taken everything, in order", async () => {
    const { fd, read } = openFifo();
    const output = new TerminalOutput(fd, (error) => expect.unreachable(String(error)));
    onTestFinished(() => output.close());
    const full = retries(2);
    const taken: string[] = [];
    const first = output.send(Buffer.alloc(MORE, "a")).then(() => taken.push("first"));
    await full;
    expect(output.busy).toBe(true);
    const second = output.send(Buffer.from("b")).then(() => taken.push("second"));
    output.whenIdle(() => taken.push("idle"));
    await retries(2);
    expect([output.busy, taken]).toEqual([true, []]);

    let text = "";
    while (text.length < MORE + 1) {
      text += read();
      await new Promise(setImmediate);
    }
    expect(text === `${"a".repeat(MORE)}b`).toBe(true);
    await Promise.all([first, second]);
    expect([output.busy, taken.toSorted()]).toEqual([false, ["first", "idle", "second"]]);
  });

  test("what waits is dropped for what is written now, and is not written later", async () => {
    const { fd, read } = openFifo();
    const output = new TerminalOutput(fd, (error) => expect.unreachable(String(error)));
    onTestFinished(() => output.close());
    const full = retries(1);
    const sent = output.send(Buffer.alloc(MORE, "a"));
    await full;
    while (read() !== "") {
      // What the FIFO held.
    }
    output.writeNow("now");
    await sent;
    expect(read()).toBe("now");
  });

  test("closing lets nobody wait", async () => {
    const { fd } = openFifo();
    const output = new TerminalOutput(fd, (error) => expect.unreachable(String(error)));
    const full = retries(1);
    const sent = output.send(Buffer.alloc(MORE, "a"));
    await full;
    output.close();
    await sent;
    await new Promise<void>((resolve) => output.whenIdle(resolve));
  });
});
