import { PassThrough } from "node:stream";
import type { ReadStream } from "node:tty";
import { type Instance, render } from "ink";
import { createElement } from "react";
import { TerminalOutput } from "../../terminal/output.ts";
import { PLAIN_MODES, type TerminalModes, TerminalSession } from "../../terminal/session.ts";
import type { DashboardState } from "../state/state.ts";
import { ScreenReaderView, sentences } from "../views/screen-reader.tsx";
import type { Presenter, PresenterEvents } from "./presenter.ts";

/** News is spoken this often at most; what a key does is spoken at once. Milliseconds. */
const NEWS_MS = 2000;

/**
 * The dashboard as sentences. On a terminal that understands sequences Ink keeps
 * them up to date in place; on one that does not (TERM=dumb) those that changed
 * are printed.
 */
export class ScreenReaderPresenter implements Presenter {
  readonly #events: PresenterEvents;
  readonly #output: TerminalOutput;
  readonly #session: TerminalSession;
  readonly #dumb = process.env["TERM"] === "dumb";
  #instance: Instance | null = null;
  #shown: readonly string[] = [];
  #shownState: DashboardState | null = null;
  #shownAt = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(events: PresenterEvents) {
    this.#events = events;
    this.#output = new TerminalOutput(1, () => events.onHangup());
    const sessionEvents = {
      ...events,
      onEnter: () => {
        if (this.#shown.length > 0) {
          // Whoever had the terminal may have left its cursor within a line.
          this.#output.writeNow("\r\n");
        }
        this.invalidate();
        events.onEnter();
      },
      onLeave: () => this.#unmount(),
    };
    this.#session = new TerminalSession(process.stdin as ReadStream, this.#output, sessionEvents, PLAIN_MODES);
  }

  open(): void {
    this.#session.open();
  }

  draw(state: DashboardState): void {
    const before = this.#shownState;
    const asked =
      before === null ||
      before.table.selected !== state.table.selected ||
      before.table.marks !== state.table.marks ||
      before.table.filter !== state.table.filter ||
      before.log.pattern !== state.log.pattern ||
      before.log.filtered?.pattern !== state.log.filtered?.pattern ||
      before.focus !== state.focus ||
      before.overlay !== state.overlay ||
      before.prompt !== state.prompt ||
      before.toasts !== state.toasts ||
      before.connection.phase !== state.connection.phase;
    const wait = this.#shownAt + NEWS_MS - performance.now();
    if (!asked && wait > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.#events.onReady();
      }, wait);
      return;
    }
    this.#shownState = state;
    this.#shownAt = performance.now();
    const lines = sentences(state);
    const fresh = lines.filter((line) => !this.#shown.includes(line));
    if (fresh.length === 0) {
      return;
    }
    this.#shown = lines;
    if (this.#dumb) {
      this.#output.write(fresh.map((line) => `${line}\r\n`).join(""));
      return;
    }
    const element = createElement(ScreenReaderView, { state });
    if (this.#instance) {
      this.#instance.rerender(element);
    } else {
      this.#instance = render(element, {
        stdin: new PassThrough() as unknown as NodeJS.ReadStream,
        isScreenReaderEnabled: true,
        interactive: true,
        patchConsole: false,
        exitOnCtrlC: false,
      });
    }
  }

  invalidate(): void {
    this.#shown = [];
    this.#shownState = null;
  }

  suspend(): void {
    this.#session.suspend();
  }

  lend(modes: TerminalModes, use: () => Promise<void>): Promise<void> {
    return this.#session.lend(modes, use);
  }

  send(data: Uint8Array): Promise<void> {
    return this.#output.send(data);
  }

  write(sequence: string): void {
    if (!this.#dumb) {
      this.#output.write(sequence);
    }
  }

  close(): void {
    if (this.#timer) {
      clearTimeout(this.#timer);
    }
    this.#unmount();
    if (this.#shown.length > 0) {
      // What the shell says next stands alone.
      this.#output.writeNow("\r\n");
    }
    this.#session.close();
  }

  /** What Ink has written stays: it must not take what comes after it for its own and erase it. */
  #unmount(): void {
    this.#instance?.unmount();
    this.#instance = null;
  }
}
