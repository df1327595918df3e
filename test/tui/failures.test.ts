/** Failures are not silent. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { byId } from "../support/process-ref.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { namesInTable, openUi, selectedRow, sharedDaemon, start } from "./dashboard.ts";

const daemon = sharedDaemon();

/** Something that fails when it is told to. */
async function failing(name: string, line: string): Promise<() => Promise<unknown>> {
  const script = `read -r _; echo started; echo 'first' >&2; printf '\\033[31m${line}\\033[0m\\n\\n' >&2; exit 7`;
  const id = await start(daemon(), name, script, { stdin: 2 });
  return () => daemon().processes.writeInput({ process: byId(id), data: Buffer.from("now\n") });
}

test("D10 a failure elsewhere is told with its last line of standard error, and ! goes to it", async () => {
  await start(daemon(), "a-calm", "exec sleep 1000");
  const fails = [await failing("b-first", "ConnectionRefusedError: no"), await failing("c-second", "out of luck")];
  const terminal = openUi(daemon(), { columns: 120, rows: 30 });
  await terminal.until("all processes", () => namesInTable(terminal).length >= 3);
  await fails[0]?.();
  await terminal.shows("✗ b-first exited 7 · ConnectionRefusedError: no");
  await terminal.shows("! 1 not seen");
  // Nothing rings unless it is wanted.
  expect(terminal.raw).not.toContain("\x07");
  await fails[1]?.();
  await terminal.shows("c-second exited 7 · out of luck");
  await terminal.shows("! 2 not seen");
  terminal.type("!");
  await terminal.until("the first", () => selectedRow(terminal).includes("b-first"));
  await terminal.shows("! 1 not seen");
  await terminal.shows("│ ConnectionRefusedError: no");
  terminal.type("!");
  await terminal.until("the second", () => selectedRow(terminal).includes("c-second"));
  await terminal.hides("not seen");
  // All have been seen: it goes round among those that failed.
  terminal.type("!");
  await terminal.until("the first again", () => selectedRow(terminal).includes("b-first"));
  // What is killed from here is no news.
  terminal.type("gXy");
  await terminal.shows("Killed a-calm");
  await terminal.until("it is seen to have ended", () => selectedRow(terminal).includes("exited"));
  expect(terminal.text()).not.toMatch(/not seen|a-calm was killed/);
});

test.each([
  ["bell", "\x07"],
  ["notification", "\x1b]9;loud-notification exited 7 · it failed\x07"],
] as const)("D10 the %s of the settings", async (alert, sequence) => {
  await start(daemon(), `calm-${alert}`, "exec sleep 1000");
  const fail = await failing(`loud-${alert}`, "it failed");
  const config = temporaryDirectory();
  mkdirSync(join(config, "pm"));
  writeFileSync(join(config, "pm/dashboard.json"), JSON.stringify({ alert }));
  const terminal = openUi(daemon(), { columns: 120, rows: 30, env: { XDG_CONFIG_HOME: config } });
  await terminal.shows(`loud-${alert}`);
  await fail();
  await terminal.shows(`✗ loud-${alert} exited 7 · it failed`);
  await terminal.until("it makes itself heard", () => Buffer.from(terminal.raw, "latin1").includes(sequence));
});

test("D10 of many that fail together the number is told", async () => {
  const gate = temporaryDirectory();
  for (let i = 0; i < 6; i++) {
    await start(daemon(), `many-${i}`, `while [ ! -e ${gate}/go ]; do sleep 0.01; done; exit 1`);
  }
  const terminal = openUi(daemon(), { columns: 120, rows: 40 });
  await terminal.shows("many-5");
  writeFileSync(join(gate, "go"), "");
  await terminal.shows(/! [56] not seen/);
  await terminal.shows(/✗ (\d processes have failed: many-\d|many-\d exited 1)/);
});
