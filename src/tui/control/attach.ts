import type { ProcessManager } from "../../sdk/manager.ts";
import type { ProcessInfo } from "../../sdk/types.ts";
import { processLabel } from "../store/selection.ts";
import { plainText } from "../terminal/styled-line.ts";
import { errorText } from "./errors.ts";

/** Ctrl-], as in telnet. */
const DETACH = "\x1d";
const TAIL_LINES = 20;

/**
 * Joins the process: its output goes to the terminal as it is, what is typed
 * goes to its input. A process with a terminal gets every key; one with a pipe
 * gets whole lines, which are echoed and can be corrected here. Ctrl-] leaves.
 */
export async function attach(manager: ProcessManager, process: ProcessInfo): Promise<void> {
  const { stdin, stdout } = globalThis.process;
  const abort = new AbortController();
  const { signal } = abort;
  const isTerminal = process.spec.terminal !== undefined;
  const takesInput = isTerminal || process.spec.stdin === "pipe";
  const name = plainText(processLabel(process));
  const notice = (text: string): void => {
    stdout.write(`\r\n\x1b[0m[pm: ${text}]\r\n`);
  };
  notice(`${takesInput ? "attached to" : "watching"} ${name}; Ctrl-] returns`);

  let line = "";
  let writing: Promise<void> = Promise.resolve();
  const send = (data: string, close = false): void => {
    writing = writing
      .then(() => manager.write(process.id, data, { close, signal }))
      .catch((error: unknown) => {
        if (!signal.aborted) {
          notice(errorText(error));
        }
      });
  };
  const typed = (text: string): void => {
    for (const character of text) {
      if (character === "\r" || character === "\n") {
        stdout.write("\r\n");
        send(`${line}\n`);
        line = "";
      } else if (character === "\x7f" || character === "\b") {
        if (line !== "") {
          line = [...line].slice(0, -1).join("");
          stdout.write("\b \b");
        }
      } else if (character === "\x04" && line === "") {
        send("", true);
      } else if (character === "\x03") {
        abort.abort();
      } else if (character >= " ") {
        line += character;
        stdout.write(character);
      }
    }
  };
  const onInput = (text: string): void => {
    const at = text.indexOf(DETACH);
    const data = at < 0 ? text : text.slice(0, at);
    if (data !== "" && isTerminal) {
      send(data);
    } else if (data !== "" && takesInput) {
      typed(data);
    } else if (data.includes("\x03")) {
      abort.abort();
    }
    if (at >= 0) {
      abort.abort();
    }
  };
  const onResize = (): void => {
    if (isTerminal && stdout.rows && stdout.columns) {
      manager
        .resizeTerminal(process.id, { rows: stdout.rows, columns: stdout.columns }, { signal })
        .catch(() => undefined);
    }
  };
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on("data", onInput);
  stdout.on("resize", onResize);
  onResize();
  try {
    const stream = manager.stream(process.id, { follow: true, start: { tailLines: TAIL_LINES }, signal });
    for await (const frame of stream) {
      if (frame.type === "chunk") {
        const text = isTerminal
          ? frame.data
          : Buffer.from(Buffer.from(frame.data).toString("latin1").replace(/\r?\n/g, "\r\n"), "latin1");
        if (!stdout.write(text)) {
          await new Promise<void>((resolve) => stdout.once("drain", resolve));
        }
      } else if (frame.type === "gap") {
        notice(`${frame.to - frame.from} bytes of output are no longer kept`);
      }
    }
    notice("it has ended; any key returns");
    await new Promise<void>((resolve) => {
      stdin.once("data", () => resolve());
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
  } finally {
    abort.abort();
    stdin.off("data", onInput);
    stdout.off("resize", onResize);
  }
}
