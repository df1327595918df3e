/** No key acts on a process that the eye is not on. */
import { beforeAll, describe, expect, test } from "vitest";
import { byId } from "../support/process-ref.ts";
import type { TestTerminal } from "../support/terminal.ts";
import { namesInTable, openUi, removeEnded, selectedRow, sharedDaemon, start } from "./dashboard.ts";

const daemon = sharedDaemon();
const names = ["ignores-term", "svx-1", "svx-2", "svx-10", "svx-12", "svx-20", "svx-21", "svx-22", "term"];

beforeAll(async () => {
  for (const name of names) {
    await start(daemon(), name, "exec sleep 1000");
  }
});

async function open() {
  const terminal = openUi(daemon(), { columns: 120, rows: 40 });
  await terminal.shows("● connected");
  await terminal.until("all processes", () => namesInTable(terminal).length >= names.length);
  return terminal;
}

/** With Esc, which is known to be it only when nothing follows. */
async function clearFilter(terminal: TestTerminal): Promise<void> {
  terminal.type("\x1b");
  await terminal.hides("· filter ");
}

describe("the cursor", () => {
  test("D1 a filter puts the cursor on the best match", async () => {
    const terminal = await open();
    // As fast as it can be typed: nothing is looked at in between.
    terminal.type("G/svx-1\rx");
    await terminal.shows("Stop svx-1?");
    terminal.type("n");
    await terminal.hides("Stop svx-1?");
    expect(namesInTable(terminal)).toEqual(["svx-1", "svx-10", "svx-12", "svx-21"]);
    expect(selectedRow(terminal)).toMatch(/^..svx-1 /);
    await terminal.shows("best match first");
  });

  test("D1 attach asks where the cursor has just come by itself, not where its name was typed", async () => {
    const terminal = await open();
    terminal.type("G/gnores\ra");
    await terminal.shows("Attach to ignores-term?");
    terminal.type("n");
    await terminal.hides("Attach to");
    await clearFilter(terminal);
    terminal.type("/term\ra");
    await terminal.shows("watching term");
    terminal.type("\x03");
    await terminal.shows("─ Processes");
    expect(selectedRow(terminal)).toMatch(/^..term /);
    // What took the place of a process that went away is something else than what was looked at.
    const id = await start(daemon(), "zz-gone", "exec sleep 1000");
    await clearFilter(terminal);
    terminal.type("G");
    await terminal.until("it is selected", () => selectedRow(terminal).includes("zz-gone"));
    await daemon().processes.stopProcess({ process: byId(id), options: { force: true, gracePeriod: { nanos: 1 } } });
    await daemon().processes.removeProcess({ process: byId(id) });
    await terminal.until("the cursor is on another", () => /^..term /.test(selectedRow(terminal)));
    terminal.type("a");
    await terminal.shows("Attach to term?");
    terminal.type("y");
    await terminal.shows("watching term");
  });

  test("D1 attach asks where it was typed before there was a list", async () => {
    const terminal = openUi(daemon(), { columns: 120, rows: 40 });
    terminal.type("ja");
    await terminal.shows("Attach to svx-1?");
    terminal.type("n");
    await terminal.hides("Attach to");
  });

  test("D1 a confirmation is about the process that it names, whatever happens meanwhile", async () => {
    const terminal = await open();
    const id = await start(daemon(), "m-2", "exec sleep 1000");
    terminal.type("/m-2\r");
    await terminal.until("it is selected", () => /^..m-2 /.test(selectedRow(terminal)));
    await clearFilter(terminal);
    terminal.type("x");
    await terminal.shows("Stop m-2?");
    expect(terminal.text()).toContain(id.slice(0, 8));
    const above = await start(daemon(), "m-1", "exec sleep 1000");
    await terminal.until("another one is above it", () => /m-1 .*running/.test(terminal.text()));
    await daemon().processes.restartProcess({ process: byId(id) });
    await terminal.shows("run 2 by now");
    terminal.type("y");
    await terminal.shows("Stopped m-2");
    expect((await daemon().processes.getProcess({ process: byId(id) })).process?.run?.exit?.signalName).toBe("SIGTERM");
    expect((await daemon().processes.getProcess({ process: byId(above) })).process?.state).toBe(2);
    for (const each of [id, above]) {
      await daemon().processes.stopProcess({
        process: byId(each),
        options: { force: true, gracePeriod: { nanos: 1 } },
      });
      await daemon().processes.removeProcess({ process: byId(each) });
    }
  });

  test("D1 what was removed while it was asked about is told so, and one that has its name is left alone", async () => {
    const terminal = await open();
    for (const [key, verb, outcome] of [
      ["x", "Stop", "Not stopped: it was removed meanwhile: m-3"],
      ["d", "Remove", "Removed m-3"],
    ] as const) {
      const id = await start(daemon(), "m-3", key === "x" ? "exec sleep 1000" : "exit 0");
      if (key === "d") {
        await daemon().processes.waitProcess({ process: byId(id), condition: 3 });
      }
      terminal.type("/m-3\r");
      await terminal.until("it is selected", () => /^..m-3 /.test(selectedRow(terminal)));
      await clearFilter(terminal);
      terminal.type(key);
      await terminal.shows(`${verb} m-3?`);
      await daemon().processes.removeProcess({ process: byId(id), force: true });
      const other = await start(daemon(), "m-3", "exec sleep 1000");
      await terminal.shows("removed meanwhile");
      terminal.type("y");
      await terminal.shows(outcome);
      expect((await daemon().processes.getProcess({ process: byId(other) })).process?.state).toBe(2);
      await daemon().processes.removeProcess({ process: byId(other), force: true });
      await terminal.until("it is gone", () => !namesInTable(terminal).includes("m-3"));
    }
  });

  test("D4 a process started under a filter is shown and selected", async () => {
    const terminal = await open();
    terminal.type("/svx-2\r");
    await terminal.shows("filter svx-2");
    terminal.type("s");
    await terminal.shows("Start a process");
    terminal.type("sleep 1000\t\t\tfresh\r");
    await terminal.shows("Started fresh; the filter is cleared");
    expect(selectedRow(terminal)).toMatch(/^..fresh /);
    expect(terminal.text()).not.toContain("filter svx-2");
    terminal.type("xy");
    await terminal.shows("Stopped fresh");
    await terminal.until("it is seen to have ended", () => selectedRow(terminal).includes("exited"));
    await removeEnded(terminal, "fresh");
  });

  test("D8 numbers in names are sorted by their value", async () => {
    const terminal = await open();
    expect(namesInTable(terminal)).toEqual(names);
    terminal.type("O");
    await terminal.until("turned round", () => namesInTable(terminal)[0] === "term");
    expect(namesInTable(terminal)).toEqual(names.toReversed());
  });
});
