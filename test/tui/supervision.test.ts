/** What policies make of a process is seen in the table and in the details. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DesiredState, ProcessState } from "../../gen/ts/pm/v1/process_pb.ts";
import { byId } from "../support/process-ref.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { namesInTable, openUi, rowOf, sharedDaemon, start } from "./dashboard.ts";

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
  await terminal.shows(/Waiting +for attempt 1 of 5 · in [78]m/);
  await terminal.shows(/Restart +on failure, at most 5/);
  expect(terminal.text()).toMatch(/Run +1/);
  terminal.type("q");
  await terminal.hides("Waiting");
  // It is stopped as it waits: no attempt follows.
  terminal.type("xy");
  await terminal.shows("Stopped flaky");
});

test("what crashes and comes back faster than anybody answers is stopped all the same", async () => {
  const fast = { initial: { nanos: 50_000_000 }, max: { nanos: 50_000_000 }, jitter: 0 };
  const id = await start(daemon(), "looping", "exit 3", { restart: { mode: 4, backoff: fast } });
  const terminal = openUi(daemon(), { columns: 140, rows: 40 });
  await terminal.shows("looping");
  terminal.type("/looping\rx");
  await terminal.shows("Stop looping?");
  expect(terminal.text()).toContain(id.slice(0, 8));
  await terminal.shows(/run \d+ by now/);
  // The run has changed since, and may be between two of them: it is the process that is stopped.
  terminal.type("y");
  await terminal.shows("Stopped looping");
  const { process } = await daemon().processes.getProcess({ process: byId(id) });
  expect([process?.desiredState, process?.state]).toEqual([DesiredState.STOPPED, ProcessState.EXITED]);
});

test("the table is sorted by restarts, and the column comes with it", async () => {
  const gate = temporaryDirectory();
  const fast = { initial: { nanos: 1_000_000 }, max: { nanos: 1_000_000 }, jitter: 0 };
  for (const [name, restarts] of [
    ["none", 0],
    ["seldom", 1],
    ["often", 12],
  ] as const) {
    const script = `n=$(cat ${gate}/${name} 2>/dev/null || echo 0); [ $n -ge ${restarts} ] && exec sleep 1000; echo $((n+1)) > ${gate}/${name}; exit 1`;
    await start(daemon(), `sorted-${name}`, script, { restart: { mode: 2, backoff: fast } });
  }
  const terminal = openUi(daemon(), { columns: 120, rows: 40 });
  await terminal.shows("sorted-often");
  terminal.type("/sorted\r");
  terminal.type(":sort by restarts\r");
  await terminal.shows(/by restarts ↓/);
  expect(terminal.text()).toContain("RESTARTS↓");
  await terminal.until("the most restarts on top", () => {
    const [first, second, third] = namesInTable(terminal);
    return first === "sorted-often" && second === "sorted-seldom" && third === "sorted-none";
  });
  await terminal.until("all of them", () => / 12 /.test(terminal.row(rowOf(terminal, "sorted-often"))));
});
