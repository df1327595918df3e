import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import type { ProcessSpecSchema } from "../../gen/ts/pm/v1/spec_pb.ts";
import { launchDaemon, startDaemon, type TestDaemon } from "../support/daemon.ts";
import { byName } from "../support/process-ref.ts";
import { type TerminalOptions, TestTerminal } from "../support/terminal.ts";

const root = join(import.meta.dirname, "../..");

export interface TestDashboard {
  readonly daemon: TestDaemon;
  readonly terminal: TestTerminal;
}

/** Starts a process by name, from a script for sh. */
export async function start(
  daemon: TestDaemon,
  name: string,
  script: string,
  { labels = {}, ...extra }: MessageInitShape<typeof ProcessSpecSchema> & { labels?: Record<string, string> } = {},
): Promise<string> {
  const { process } = await daemon.processes.startProcess({
    name,
    labels,
    spec: { executable: "sh", args: ["-c", script], ...extra },
  });
  return process?.id ?? "";
}

/** One daemon for all tests of a file. */
export function sharedDaemon(): () => TestDaemon {
  let daemon: TestDaemon | null = null;
  beforeAll(async () => {
    daemon = await launchDaemon();
  });
  afterAll(() => daemon?.close());
  return () => {
    if (!daemon) {
      throw new Error("the daemon is not up yet");
    }
    return daemon;
  };
}

/** What `pm ui` runs with: settings and contexts of its own, removed when the test is over. */
function uiEnvironment(daemon: TestDaemon): Record<string, string> {
  const config = mkdtempSync(join(tmpdir(), "pm-config-"));
  onTestFinished(() => rmSync(config, { recursive: true, force: true }));
  return {
    PM_RUNTIME_DIR: daemon.runtimeDir,
    PM_NO_AUTOSTART: "1",
    PM_NODE: process.execPath,
    XDG_CONFIG_HOME: config,
  };
}

/** The dashboard as a job of a shell, which says when it has stopped, continues it at Enter, and says how it ended. */
export function openUnderShell(
  daemon: TestDaemon,
  { args = [], env, ...size }: TerminalOptions & { readonly args?: readonly string[] } = {},
): TestTerminal {
  const script = 'set -m; "$@"; echo "stopped $?"; read -r _; fg; echo "ended $?"; read -r _';
  const terminal = new TestTerminal("/bin/sh", ["-c", script, "sh", join(root, "bin/pm"), "ui", ...args], {
    columns: 100,
    rows: 30,
    ...size,
    env: { ...uiEnvironment(daemon), ...env },
  });
  onTestFinished(() => terminal.close());
  return terminal;
}

/** The built `pm ui` on a daemon of its own; ended when the test is over. */
export function openUi(
  daemon: TestDaemon,
  options: TerminalOptions & { readonly args?: readonly string[] } = {},
): TestTerminal {
  const terminal = new TestTerminal(join(root, "bin/pm"), ["ui", ...(options.args ?? [])], {
    ...options,
    env: { ...uiEnvironment(daemon), ...options.env },
  });
  onTestFinished(() => terminal.close());
  return terminal;
}

/** A daemon with a few processes, and the dashboard on it. */
export async function openDashboard(
  options: TerminalOptions & { readonly args?: readonly string[] } = {},
): Promise<TestDashboard> {
  const daemon = await startDaemon();
  await start(daemon, "api", "seq 1 500; exec sleep 1000", { labels: { app: "web" } });
  await start(daemon, "job", "echo failed >&2; exit 3");
  await start(daemon, "worker", "exec sleep 1000");
  await daemon.processes.waitProcess({ process: byName("job"), condition: 3 });
  const terminal = openUi(daemon, options);
  await terminal.shows((options.rows ?? 45) < 10 ? "api" : "worker");
  return { daemon, terminal };
}

/** Removes the selected process, which has ended; what it has forked may take a moment longer. */
export async function removeEnded(terminal: TestTerminal, name: string): Promise<void> {
  const asked = `Remove ${name}?`;
  const refused = `Children of ${name} are still running`;
  for (;;) {
    terminal.type("d");
    await terminal.until("it is asked or refused", () =>
      [asked, refused].some((text) => terminal.text().includes(text)),
    );
    if (terminal.text().includes(asked)) {
      break;
    }
    terminal.type("\x1b");
    await terminal.hides(refused);
  }
  terminal.type("y");
  await terminal.shows(`Removed ${name}`);
}

/** The processes' names in the order of the table; for a table that is not cut. */
export function namesInTable(terminal: TestTerminal): readonly string[] {
  const top = rowOf(terminal, " NAME");
  const names: string[] = [];
  for (let y = top + 1; y < terminal.rows && !/^─ Log/.test(terminal.row(y)) && terminal.row(y).trim() !== ""; y++) {
    names.push(/^..(\S+)/.exec(terminal.row(y))?.[1] ?? "");
  }
  return names;
}

/** The first row that holds a text; -1: none does. */
export function rowOf(terminal: TestTerminal, text: string): number {
  return Array.from({ length: terminal.rows }, (_, y) => terminal.row(y)).findIndex((row) => row.includes(text));
}

/** The row that is selected, as text: the first inverted one. */
export function selectedRow(terminal: TestTerminal): string {
  for (let y = 0; y < terminal.rows; y++) {
    const cell = terminal.cell(3, y);
    if (cell.inverse || cell.underline) {
      return terminal.row(y);
    }
  }
  return "";
}
