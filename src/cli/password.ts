/** Passwords come from a prompt or from standard input, never from arguments or the environment. */
import { readSync } from "node:fs";
import { ExitCode } from "../common/exit-codes.ts";
import type { Caller } from "./caller.ts";
import { CommandError } from "./errors.ts";

/** Longer than any password; a pipe that never ends must not fill the memory. */
const maxBytes = 8192;

/**
 * Asks twice on a terminal; else takes the first line of standard input.
 *
 * @throws CommandError if there is none, or the two differ
 */
export async function newPassword(caller: Caller, user: string): Promise<string> {
  if (!caller.ownProcess().stdin.isTTY) {
    return firstLine();
  }
  const password = await prompt(caller, `Password for ${user}: `);
  if ((await prompt(caller, "Again: ")) !== password) {
    throw new CommandError("the two passwords differ", { exitCode: ExitCode.usage });
  }
  return password;
}

/** Asks once on a terminal; else takes the first line of standard input. */
export async function knownPassword(caller: Caller, user: string): Promise<string> {
  return caller.ownProcess().stdin.isTTY ? prompt(caller, `Password of ${user}: `) : firstLine();
}

function firstLine(): string {
  const buffer = Buffer.alloc(maxBytes);
  let length = 0;
  while (length < maxBytes && !buffer.subarray(0, length).includes(0x0a)) {
    let read: number;
    try {
      read = readSync(0, buffer, length, maxBytes - length, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EOF") {
        break;
      }
      throw error;
    }
    if (read === 0) {
      break;
    }
    length += read;
  }
  const text = buffer.toString("utf8", 0, length);
  const line = text.split(/\r?\n/, 1)[0] ?? "";
  if (line === "") {
    throw new CommandError("there is no password on standard input", {
      exitCode: ExitCode.usage,
      hint: "pipe it in as one line, or run this on a terminal",
    });
  }
  return line;
}

/** Typed ahead of the next prompt. */
let ahead = "";

/** Reads a line from the terminal without showing it. */
function prompt(caller: Caller, question: string): Promise<string> {
  const { stdin } = caller.ownProcess();
  // First, so that nothing typed at the question is shown.
  stdin.setRawMode(true);
  caller.note(question);
  stdin.setEncoding("utf8");
  stdin.resume();
  return new Promise((resolve, reject) => {
    let line = "";
    const finish = (settle: () => void) => {
      stdin.off("data", onData);
      stdin.setRawMode(false);
      stdin.pause();
      caller.note("\n");
      settle();
    };
    const onData = (text: string) => {
      const characters = [...text];
      for (const [index, character] of characters.entries()) {
        if (character === "\r" || character === "\n") {
          ahead = characters.slice(index + 1).join("");
          finish(() => resolve(line));
          return;
        }
        // Ctrl-C and Ctrl-D.
        if (character === "\u0003" || character === "\u0004") {
          finish(() => reject(new CommandError("canceled", { exitCode: ExitCode.signalBase + 2 })));
          return;
        }
        line = character === "\u007f" || character === "\b" ? [...line].slice(0, -1).join("") : line + character;
      }
    };
    stdin.on("data", onData);
    onData(ahead);
  });
}
