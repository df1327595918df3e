import type { ProcessManager } from "../../sdk/manager.ts";
import type { ProcessInfo } from "../../sdk/types.ts";
import { standardTerminal } from "../../terminal/attached-terminal.ts";
import { Attachment } from "../../terminal/attachment.ts";
import { processLabel } from "../state/table/selection.ts";
import { plainText } from "../terminal/styled-line.ts";
import type { Presenter } from "./presenter.ts";

/** Who has the terminal while the dashboard lends it. */
export interface InputOwner {
  input(data: Buffer): void;
  resized(): void;
  /** The terminal is back after a suspension. */
  redraw(): void;
  /** The terminal is gone. */
  leave(): void;
}

/**
 * Lends the terminal to a process until the user leaves it. `onOwner` is
 * told who has it, and with null that nobody has, before it is taken back.
 */
export async function attach(
  manager: ProcessManager,
  process: ProcessInfo,
  presenter: Presenter,
  onOwner: (owner: InputOwner | null) => void,
): Promise<void> {
  const terminal = standardTerminal(presenter);
  const attachment = new Attachment(manager, process, terminal, {
    name: plainText(processLabel(process)),
    leaving: "returns",
  });
  const left = Promise.withResolvers<void>();
  let ended = false;
  const owner: InputOwner = {
    input: (data) => (ended ? left.resolve() : attachment.input(data)),
    resized: () => attachment.resized(),
    redraw: () => attachment.redraw(),
    leave: () => {
      attachment.detach();
      left.resolve();
    },
  };
  await presenter.lend(attachment.modes, async () => {
    onOwner(owner);
    try {
      if ((await attachment.run()).reason === "ended") {
        ended = true;
        terminal.notify("it has ended; any key returns");
        await left.promise;
      }
    } finally {
      onOwner(null);
    }
  });
}
