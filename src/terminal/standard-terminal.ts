import type { ReadStream } from "node:tty";
import type { ProcessManager } from "../sdk/manager.ts";
import type { ProcessInfo } from "../sdk/types.ts";
import { Attachment, type AttachmentEnd } from "./attachment.ts";
import { TerminalOutput } from "./output.ts";
import { TerminalSession } from "./session.ts";
import { terminalSize } from "./size.ts";

export interface AttachOptions {
  /** Lines of earlier output to begin with. */
  readonly lines: number;
  /** What to call the process; must be safe to print. */
  readonly name: string;
}

/**
 * Attaches pm's own terminal, standard input and output, to a process until
 * the user leaves it or its output is complete. The terminal is given back
 * before this resolves or rejects.
 */
export async function attachStandardTerminal(
  manager: ProcessManager,
  process: ProcessInfo,
  { lines, name }: AttachOptions,
): Promise<AttachmentEnd> {
  const output = new TerminalOutput(1, () => attachment.detach());
  const notify = (text: string): void => void output.send(Buffer.from(`\r\n\x1b[0m[pm: ${text}]\r\n`));
  const attachment = new Attachment(
    manager,
    process,
    {
      get size() {
        return terminalSize();
      },
      write: (data) => output.send(data),
      notify,
      suspend: () => session.suspend(),
    },
    lines,
  );
  let running = false;
  const session = new TerminalSession(
    globalThis.process.stdin as ReadStream,
    output,
    {
      // The first time there is nothing to draw anew: the run begins with it.
      onEnter: () => void (running && attachment.redraw()),
      onInput: (data) => attachment.input(data),
      onResize: () => attachment.resized(),
      onHangup: () => attachment.detach(),
    },
    attachment.modes,
  );
  session.open();
  running = true;
  try {
    notify(`${attachment.takesInput ? "attached to" : "watching"} ${name}; Ctrl-] leaves it, it runs on`);
    return await attachment.run();
  } finally {
    session.close();
  }
}
