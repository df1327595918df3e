/** What policies make of a process is seen in the table and in the details. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openUi, rowOf, sharedDaemon, start } from "./dashboard.ts";

const daemon = sharedDaemon();
/** So long that nothing begins while the test looks. */
const backoff = { initial: { seconds: 500n }, max: { seconds: 500n }, jitter: 0 };

test("what waits for its next attempt says until when; what is given up has failed", async () => {
  const gate = temporaryDirectory();
  const gated = `while [ ! -e ${gate}/go ]; do sleep 0.01; done; sleep 0.2;`;
  await start(daemon(), "flaky", `${gated} exit 3`, { restart: { mode: 2, maxAttempts: 5, backoff } });
  await start(daemon(), "hopeless", `${gated} exit 4`, {
    restart: { mode: 2, maxAttempts: 1, backoff: { initial: { nanos: 10_000_000 }, max: { nanos: 10_000_000 } } },
  });
  const terminal = openUi(daemon(), { columns: 140, rows: 40 });
  await terminal.shows("hopeless");
  writeFileSync(join(gate, "go"), "");
  await terminal.shows(/flaky +◔ waiting +in [78]m\d\ds \(1\/5\)/);
  await terminal.shows(/hopeless +⊘ given up +restarts 1\/1/);
  await terminal.shows("⊘ 1 given up");
  terminal.type("/state:wait\r");
  await terminal.until("the others are hidden", () => rowOf(terminal, "hopeless") < 0);
  terminal.type("i");
  await terminal.shows(/Waits +for attempt 1 of 5 · in [78]m/);
  await terminal.shows(/Restart +on failure, at most 5/);
  expect(terminal.text()).toMatch(/Run +1/);
  terminal.type("q");
  await terminal.hides("Waits");
  // It is stopped as it waits: no attempt follows.
  terminal.type("xy");
  await terminal.shows("Stopped flaky");
});
