/** What the log pane says is true. */
import { expect, test } from "vitest";
import { byId } from "../support/process-ref.ts";
import { openUi, selectedRow, sharedDaemon, start } from "./dashboard.ts";

const daemon = sharedDaemon();

test("D2 a stream with nothing in it says so, and another process shows both", async () => {
  await start(daemon(), "a-errors", "echo traceback >&2; exec sleep 1000");
  const ended = await start(daemon(), "b-ended", "echo why it failed >&2; exit 3");
  await daemon().processes.waitProcess({ process: byId(ended), condition: 3 });
  const terminal = openUi(daemon(), { columns: 120, rows: 30 });
  await terminal.shows("│ traceback");
  terminal.type("e");
  await terminal.shows("Nothing on standard output yet · 10B on standard error: e shows it");
  terminal.type("j");
  await terminal.until("the next one", () => selectedRow(terminal).includes("b-ended"));
  await terminal.shows("│ why it failed");
  terminal.type("e");
  await terminal.shows("It wrote nothing to standard output · 14B on standard error: e shows it");
  terminal.type("e");
  await terminal.shows("│ why it failed");
  await terminal.shows("b-ended · stderr");
  terminal.type("k");
  await terminal.shows("│ traceback");
  expect(terminal.text()).not.toContain("stderr");
});

test("D2 what was written long ago to the stream that is shown is shown", async () => {
  await start(daemon(), "c-early", "echo first words; seq -f 'noise %0100g' 1 5000 >&2; exec sleep 1000");
  const terminal = openUi(daemon(), { columns: 120, rows: 30 });
  await terminal.shows("c-early");
  terminal.type("/c-early\r");
  await terminal.shows("5000");
  terminal.type("e");
  await terminal.shows(/^ +first words$/m);
});

test("D11 n goes on the way that the search began, and says where it is", async () => {
  const script =
    'i=0; while [ $i -lt 28 ]; do i=$((i+1)); echo "error $i"; seq -f "fine %03g" 1 40; done; exec sleep 1000';
  await start(daemon(), "d-search", script);
  const terminal = openUi(daemon(), { columns: 120, rows: 30 });
  await terminal.shows("d-search");
  terminal.type("/d-search\r");
  await terminal.shows("fine 040");
  terminal.type("2/error\r");
  await terminal.shows("search error ↑ · 28/28");
  for (const [key, place, line] of [
    ["n", 27, "error 27"],
    ["n", 26, "error 26"],
    ["N", 27, "error 27"],
    ["N", 28, "error 28"],
  ] as const) {
    terminal.type(key);
    await terminal.shows(`search error ↑ · ${place}/28`);
    await terminal.shows(new RegExp(`▸ +${line}`));
  }
  // From the top it goes the other way, and so does n.
  terminal.type("g");
  await terminal.shows(/^\W+error 1$/m);
  terminal.type("/error\r");
  await terminal.shows("search error ↓ · 1/28");
  terminal.type("n");
  await terminal.shows("search error ↓ · 2/28");
});

test("D12 an escape sequence that has not arrived whole is not shown", async () => {
  const id = await start(
    daemon(),
    "e-slow",
    "printf 'took \\033[32m21ms\\033[0'; read -r line; printf 'm and then \\342\\202'; read -r line; printf '\\254 5\\n'; exec sleep 1000",
    { stdin: 2 },
  );
  const say = () => daemon().processes.writeInput({ process: byId(id), data: Buffer.from("go on\n") });
  const terminal = openUi(daemon(), { columns: 120, rows: 30 });
  await terminal.shows("e-slow");
  terminal.type("/e-slow\r");
  await terminal.shows(/took 21ms$/m);
  await say();
  await terminal.shows(/took 21ms and then$/m);
  await say();
  await terminal.shows(/took 21ms and then € 5$/m);
  expect(terminal.raw).not.toMatch(/␛|\ufffd/);
});
