/** The clipboard: what is said of it is true. The programs are stand-ins that write down what they are given. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { openUi, sharedDaemon, start } from "./dashboard.ts";

const daemon = sharedDaemon();

beforeAll(async () => {
  await start(daemon(), "writer", "echo to be copied; exec sleep 1000");
});

/** A directory of programs; each writes its arguments and its input to a file of its name, and exits with `code`. */
function programs(...names: readonly (readonly [name: string, code: number])[]): string {
  const directory = mkdtempSync(join(tmpdir(), "pm-programs-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, code] of names) {
    const path = join(directory, name);
    writeFileSync(path, `#!/bin/sh\n{ echo "$@"; cat; } >> "$0.log"\nexit ${code}\n`);
    chmodSync(path, 0o755);
  }
  return directory;
}

function given(directory: string, name: string): string {
  const path = join(directory, `${name}.log`);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

const sequence = `\x1b]52;c;${Buffer.from("to be copied").toString("base64")}\x07`;

async function copyLine(directory: string, env: Record<string, string>) {
  const path = `${directory}:${process.env["PATH"]}`;
  const terminal = openUi(daemon(), { columns: 120, rows: 30, env: { PATH: path, ...env } });
  await terminal.shows("to be copied");
  terminal.type("2y");
  return terminal;
}

test.each([
  [
    "tmux",
    { TMUX: "/tmp/tmux-0/default,1,0" },
    "Copied the line to tmux's buffer, and to the clipboard if the terminal around it allows that",
    "load-buffer -w -",
  ],
  ["wl-copy", { WAYLAND_DISPLAY: "wayland-0" }, "Copied the line to the clipboard", ""],
  ["xclip", { DISPLAY: ":0" }, "Copied the line to the clipboard", "-selection clipboard"],
])("D9 %s is given the text where there is one", async (name, env, said, args) => {
  const directory = programs(["tmux", 0], ["wl-copy", 0], ["xclip", 0]);
  const terminal = await copyLine(directory, env);
  await terminal.shows(said);
  expect(given(directory, name)).toBe(`${args}\nto be copied`);
  expect(terminal.raw).not.toContain("\x1b]52");
});

test("D9 where the program fails, the next one is tried; where none is left, the toast promises nothing", async () => {
  const directory = programs(["tmux", 1], ["wl-copy", 1], ["xclip", 0]);
  const both = await copyLine(directory, { TMUX: "x", WAYLAND_DISPLAY: "x", DISPLAY: ":0" });
  await both.shows("Copied the line to the clipboard");
  expect(given(directory, "tmux")).toBe("load-buffer -w -\nto be copiedload-buffer -\nto be copied");
  const none = await copyLine(programs(["tmux", 1]), { TMUX: "x" });
  await none.shows("Sent the line to the terminal: it is copied if the terminal allows that (OSC 52)");
  expect(none.raw).toContain(sequence);
  const remote = await copyLine(programs(), {});
  await remote.shows("Sent the line to the terminal");
  expect(remote.raw).toContain(sequence);
});
