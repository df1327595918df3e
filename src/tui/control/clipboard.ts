import { spawn } from "node:child_process";
import { copySequence, SEQUENCE_BYTES } from "../terminal/clipboard.ts";

/** How long a program may take to take the text over. Milliseconds. */
const LIMIT_MS = 3000;

/** A program that puts its standard input on a clipboard. */
interface Tool {
  readonly command: string;
  readonly args: readonly string[];
  /** Where the text then is. */
  readonly place: string;
}

/** The programs to try in this environment, the best first. */
function toolsFor(env: NodeJS.ProcessEnv): readonly Tool[] {
  const tools: Tool[] = [];
  if (env["TMUX"]) {
    // By default tmux ignores OSC 52 of the programs in it, but -w (since 3.2) sends it to the terminal around it, if
    // there is one: nobody says what comes of it.
    const place = "tmux's buffer, and to the clipboard if the terminal around it allows that";
    tools.push({ command: "tmux", args: ["load-buffer", "-w", "-"], place });
    tools.push({ command: "tmux", args: ["load-buffer", "-"], place: "tmux's buffer" });
  }
  if (env["WAYLAND_DISPLAY"]) {
    tools.push({ command: "wl-copy", args: [], place: "the clipboard" });
  }
  if (env["DISPLAY"]) {
    tools.push({ command: "xclip", args: ["-selection", "clipboard"], place: "the clipboard" });
  }
  return tools;
}

/** Whether the program took the text. It may live on to hold the clipboard: only its own exit counts. */
function give(tool: Tool, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(tool.command, tool.args, { stdio: ["pipe", "ignore", "ignore"], timeout: LIMIT_MS });
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
    // It may end without having read everything.
    child.stdin.on("error", () => undefined);
    child.stdin.end(text);
  });
}

/**
 * Puts text on a clipboard: by a program that says whether it worked, else by
 * asking the terminal, which says nothing. Returns what is true of it.
 *
 * @param what "the line", …
 * @param write sends a sequence to the terminal
 */
export async function copyText(text: string, what: string, write: (sequence: string) => void): Promise<string> {
  for (const tool of toolsFor(process.env)) {
    if (await give(tool, text)) {
      return `Copied ${what} to ${tool.place}`;
    }
  }
  write(copySequence(text));
  const cut = Buffer.byteLength(text) > SEQUENCE_BYTES ? `, its last ${SEQUENCE_BYTES / 1000} kB` : "";
  return `Sent ${what} to the terminal${cut}: it is copied if the terminal allows that (OSC 52)`;
}
