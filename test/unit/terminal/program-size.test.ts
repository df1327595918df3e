import { describe, expect, test } from "vitest";
import { ProgramSize, type TerminalSize } from "../../../src/terminal/program-size.ts";

/** A process that is told sizes: each call waits until `take` lets it through. */
class Told {
  readonly sizes: string[] = [];
  #calls: (() => void)[] = [];
  #arrived: (() => void) | null = null;

  readonly send = ({ rows, columns }: TerminalSize): Promise<void> => {
    this.sizes.push(`${rows}x${columns}`);
    return new Promise((resolve) => {
      this.#calls.push(resolve);
      this.#arrived?.();
    });
  };

  /** Lets the next call through; resolves when it has come. */
  async take(): Promise<void> {
    if (this.#calls.length === 0) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    this.#calls.shift()?.();
  }
}

describe("the size of a program's terminal", () => {
  test("is another one for a moment, to have it drawn anew", async () => {
    const told = new Told();
    const size = new ProgramSize(() => ({ rows: 24, columns: 80 }), told.send);
    size.redraw();
    await told.take();
    await told.take();
    await size.finish();
    expect(told.sizes).toEqual(["25x80", "24x80"]);
  });

  test("is the true one in the end, whenever it ends", async () => {
    const told = new Told();
    const size = new ProgramSize(() => ({ rows: 24, columns: 80 }), told.send);
    size.redraw();
    let finished = false;
    const end = size.finish().then(() => {
      finished = true;
    });
    await told.take();
    await new Promise(setImmediate);
    expect(finished).toBe(false);
    await told.take();
    await end;
    expect(told.sizes).toEqual(["25x80", "24x80"]);
    size.redraw();
    size.resized();
    await size.finish();
    expect(told.sizes.length).toBe(2);
  });

  test("changes one at a time, and the last is the newest", async () => {
    const told = new Told();
    let rows = 24;
    const size = new ProgramSize(() => ({ rows, columns: 80 }), told.send);
    size.redraw();
    for (rows = 30; rows < 40; rows++) {
      size.resized();
      size.redraw();
      size.resized();
    }
    expect(told.sizes).toEqual(["25x80"]);
    await told.take();
    size.drawn();
    for (let i = 0; i < 3; i++) {
      await told.take();
      size.drawn();
    }
    await size.finish();
    expect(told.sizes).toEqual(["25x80", "40x80", "41x80", "40x80"]);
  });

  test("may fail to change; the next change is tried", async () => {
    const tried: number[] = [];
    const size = new ProgramSize(
      () => ({ rows: 24, columns: 80 }),
      async ({ rows }) => {
        tried.push(rows);
        throw new Error("it has ended");
      },
    );
    size.resized();
    await new Promise(setImmediate);
    size.redraw();
    await size.finish();
    expect(tried).toEqual([24, 25]);
  });
});
