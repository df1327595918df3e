import type { SessionEvents, TerminalModes } from "../../terminal/session.ts";
import type { DashboardState } from "../state/state.ts";

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
  /** Has the terminal in other modes, and draws nothing, while `use` is under way. */
  lend(modes: TerminalModes, use: () => Promise<void>): Promise<void>;
  /** Writes bytes as they are; resolves when the terminal has taken them. */
  send(data: Uint8Array): Promise<void>;
  /** Sends a sequence that shows nothing. */
  write(sequence: string): void;
  /** Gives the terminal back. */
  close(): void;
}
