import type { DashboardState } from "../store/state.ts";
import type { SessionEvents } from "../terminal/session.ts";

export interface PresenterEvents extends SessionEvents {
  /** What held a frame back is over: draw the newest state. */
  readonly onReady: () => void;
}

/** Shows states to the user and brings in what is typed. */
export interface Presenter {
  open(): void;
  draw(state: DashboardState): void;
  /** Forgets what is on the screen. */
  invalidate(): void;
  /** Stops this process until the shell continues it. */
  suspend(): void;
  /** Lends the terminal. */
  lend(use: () => Promise<void>): Promise<void>;
  /** Sends a sequence that shows nothing. */
  write(sequence: string): void;
  /** Gives the terminal back. */
  close(): void;
}
