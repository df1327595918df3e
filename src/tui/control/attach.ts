import type { ProcessManager } from "../../sdk/manager.ts";
import type { ProcessInfo } from "../../sdk/types.ts";
import { Attachment } from "../../terminal/attachment.ts";
import { terminalSize } from "../../terminal/size.ts";
import { processLabel } from "../store/selection.ts";
import { plainText } from "../terminal/styled-line.ts";
import type { Presenter } from "./presenter.ts";

/** Output that is shown when a process is attached to. Lines. */
const TAIL_LINES = 20;

/** Who has the terminal while the dashboard lends it. */
export interface Borrower {
  input(data: Buffer): void;
  resized(): void;
  /** The terminal is back after a suspension. */
  redraw(): void;
  /** The terminal is gone. */
  leave(): void;
}

/**
 * Lends the terminal to a process until the user leaves it. `onBorrowed` is
 * told who has it, and with null that nobody has, before it is taken back.
 */
export async function attach(
  manager: ProcessManager,
  process: ProcessInfo,
  presenter: Presenter,
  onBorrowed: (borrower: Borrower | null) => void,
): Promise<void> {
  const notify = (text: string): void => void presenter.send(Buffer.from(`\r\n\x1b[0m[pm: ${text}]\r\n`));
  const attachment = new Attachment(
    manager,
    process,
    {
      get size() {
        return terminalSize();
      },
      write: (data) => presenter.send(data),
      notify,
      suspend: () => presenter.suspend(),
    },
    TAIL_LINES,
  );
  const left = Promise.withResolvers<void>();
  let ended = false;
  const borrower: Borrower = {
    input: (data) => (ended ? left.resolve() : attachment.input(data)),
    resized: () => attachment.resized(),
    redraw: () => void attachment.redraw(),
    leave: () => {
      attachment.detach();
      left.resolve();
    },
  };
  await presenter.lend(attachment.modes, async () => {
    onBorrowed(borrower);
    try {
      const name = plainText(processLabel(process));
      notify(`${attachment.takesInput ? "attached to" : "watching"} ${name}; Ctrl-] returns`);
      if ((await attachment.run()).reason === "ended") {
        ended = true;
        notify("it has ended; any key returns");
        await left.promise;
      }
    } finally {
      onBorrowed(null);
    }
  });
}
