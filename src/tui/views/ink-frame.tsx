import { PassThrough, Writable } from "node:stream";
import { type Instance, render } from "ink";
import type { ReactNode } from "react";
import { Grid } from "../terminal/grid.ts";
import { parseLine } from "../terminal/styled-line.ts";

/** What Ink takes for a terminal: it keeps the last frame. */
class FrameSink extends Writable {
  readonly isTTY = true;
  columns = 80;
  rows = 24;
  frame = "";

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.frame = chunk.toString();
    callback();
  }
}

/**
 * Draws React elements into a grid. Ink only lays out: it never sees the
 * terminal, so that there is one writer, which knows every cell. In debug mode
 * it writes each frame whole and at once.
 */
export class InkFrame {
  readonly #sink = new FrameSink();
  #instance: Instance | null = null;

  draw(element: ReactNode, width: number, height: number): Grid {
    this.#sink.columns = width;
    this.#sink.rows = height;
    if (this.#instance) {
      this.#instance.rerender(element);
    } else {
      this.#instance = render(element, {
        stdout: this.#sink as unknown as NodeJS.WriteStream,
        stdin: new PassThrough() as unknown as NodeJS.ReadStream,
        stderr: this.#sink as unknown as NodeJS.WriteStream,
        debug: true,
        exitOnCtrlC: false,
        patchConsole: false,
        interactive: true,
        isScreenReaderEnabled: false,
      });
      // An exception in a view ends Ink; whoever draws next must hear of it.
      this.#instance.waitUntilExit().catch((error: unknown) => {
        this.#error = error;
      });
    }
    if (this.#error) {
      throw this.#error;
    }
    const grid = new Grid(width, height);
    const lines = this.#sink.frame.split("\n");
    for (let y = 0; y < Math.min(height, lines.length); y++) {
      const line = parseLine(lines[y] ?? "");
      grid.writeLine(0, y, line, 0, width);
    }
    return grid;
  }

  #error: unknown = null;

  close(): void {
    this.#instance?.unmount();
    this.#instance = null;
  }
}
