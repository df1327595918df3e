import type { ReadStream } from "node:tty";
import type { ProcessManager } from "../sdk/manager.ts";
import type { ProcessInfo } from "../sdk/types.ts";
import { standardTerminal } from "./attached-terminal.ts";
import { Attachment, type AttachmentEnd, type AttachmentOptions } from "./attachment.ts";
import { TerminalOutput } from "./output.ts";
import { TerminalSession } from "./session.ts";

/**
 * Attaches pm's own terminal, standard input and output, to a process until
 * the user leaves it or its output is complete. The terminal is given back
 * before this resolves or rejects.
 */
export async function attachStandardTerminal(
  manager: ProcessManager,
  process: ProcessInfo,
  options: AttachmentOptions,
): Promise<AttachmentEnd> {
  const output = new TerminalOutput(1, () => attachment.detach());
  const terminal = standardTerminal({ send: (data) => output.send(data), suspend: () => session.suspend() });
  const attachment = new Attachment(manager, process, terminal, options);
  let running = false;
  const session = new TerminalSession(
    globalThis.process.stdin as ReadStream,
    output,
    {
      // The first time there is nothing to draw anew: the run begins with it.
      onEnter: () => {
        if (running) {
          attachment.redraw();
        }
      },
      onInput: (data) => attachment.input(data),
      onResize: () => attachment.resized(),
      onHangup: () => attachment.detach(),
    },
    attachment.modes,
  );
  session.open();
  running = true;
  try {
    return await attachment.run();
  } finally {
    session.close();
  }
}
