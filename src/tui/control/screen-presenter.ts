import type { ReadStream } from "node:tty";
import { TerminalOutput } from "../../terminal/output.ts";
import { type TerminalModes, TerminalSession } from "../../terminal/session.ts";
import type { DashboardState } from "../state/state.ts";
import { screenModes } from "../terminal/modes.ts";
import { Screen } from "../terminal/screen.ts";
import { DashboardScreen } from "./dashboard-screen.ts";
import type { Presenter, PresenterEvents } from "./presenter.ts";

/** How soon the chrome is drawn that had to wait. Milliseconds. */
const STALE_MS = 100;

/** The dashboard as a screen of cells. */
export class ScreenPresenter implements Presenter {
  readonly #events: PresenterEvents;
  readonly #output: TerminalOutput;
  readonly #session: TerminalSession;
  readonly #screen: Screen;
  readonly #view = new DashboardScreen();
  #held = false;
  #stale: NodeJS.Timeout | null = null;

  constructor(events: PresenterEvents, options: { readonly color: boolean; readonly mouse: boolean }) {
    this.#events = events;
    this.#output = new TerminalOutput(1, () => events.onHangup());
    this.#screen = new Screen(options.color);
    const sessionEvents = {
      ...events,
      onEnter: () => {
        this.#screen.invalidate();
        events.onEnter();
      },
    };
    this.#session = new TerminalSession(
      process.stdin as ReadStream,
      this.#output,
      sessionEvents,
      screenModes(options.mouse),
    );
  }

  open(): void {
    this.#session.open();
  }

  draw(state: DashboardState): void {
    if (this.#output.busy) {
      // The terminal is slower than we are: the newest state is drawn when it is ready.
      if (!this.#held) {
        this.#held = true;
        this.#output.whenIdle(() => {
          this.#held = false;
          this.#events.onReady();
        });
      }
      return;
    }
    const { grid, stale } = this.#view.draw(state);
    this.#output.write(this.#screen.update(grid));
    if (stale) {
      this.#stale ??= setTimeout(() => {
        this.#stale = null;
        this.#events.onReady();
      }, STALE_MS);
    }
  }

  invalidate(): void {
    this.#screen.invalidate();
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
    this.#output.write(sequence);
  }

  close(): void {
    this.#session.close();
    if (this.#stale) {
      clearTimeout(this.#stale);
    }
    try {
      this.#view.close();
    } catch {
      // A view is what failed: that error is the one to report.
    }
  }
}
