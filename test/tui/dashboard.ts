import { join } from "node:path";
import { onTestFinished } from "vitest";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import { type TerminalOptions, TestTerminal } from "../support/terminal.ts";

const root = join(import.meta.dirname, "../..");

export interface TestDashboard {
  readonly daemon: TestDaemon;
  readonly terminal: TestTerminal;
}

/** Starts a process by name, from a script for sh. */
export async function start(daemon: TestDaemon, name: string, script: string, extra: object = {}): Promise<string> {
  const { process } = await daemon.processes.startProcess({
    spec: { executable: "sh", args: ["-c", script], name, ...extra },
  });
  return process?.id ?? "";
}

/** The built `pm ui` on a daemon of its own; ended when the test is over. */
export function openUi(
  daemon: TestDaemon,
  options: TerminalOptions & { readonly args?: readonly string[] } = {},
): TestTerminal {
  const terminal = new TestTerminal(join(root, "bin/pm"), ["ui", ...(options.args ?? [])], {
    ...options,
    env: { PM_RUNTIME_DIR: daemon.runtimeDir, PM_NO_AUTOSTART: "1", PM_NODE: process.execPath, ...options.env },
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
  await daemon.processes.waitProcess({ id: "job", condition: 3 });
  const terminal = openUi(daemon, options);
  await terminal.shows((options.rows ?? 45) < 10 ? "api" : "worker");
  return { daemon, terminal };
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
