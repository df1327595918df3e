import { describe, expect, test } from "vitest";
import type { ProcessInfo } from "../../../../src/sdk/types.ts";
import { KEY_MAP } from "../../../../src/tui/keys/keymap.ts";
import { computeLayout } from "../../../../src/tui/state/layout.ts";
import { pageSource } from "../../../../src/tui/state/overlay-context.ts";
import { detailsSentences } from "../../../../src/tui/state/overlays/details-view.ts";
import { shellSplit } from "../../../../src/tui/state/overlays/shell-split.ts";
import { DashboardDriver as Driver } from "../../../support/dashboard-driver.ts";
import { processInfo, supervisionStatus } from "../../../support/process-info.ts";

describe("keys", () => {
  test("a key has one meaning", () => {
    expect(new Set(KEY_MAP.flatMap(({ keys }) => keys)).size).toBe(KEY_MAP.flatMap(({ keys }) => keys).length);
  });

  test("destructive actions name their targets and ask first", () => {
    const driver = new Driver().keys("j", "x");
    expect(driver.state.overlay).toMatchObject({ kind: "confirm", action: "stop", targets: [{ id: "id-job" }] });
    expect(driver.effects).toEqual([]);
    driver.keys("n");
    expect(driver.effects).toEqual([]);
    driver.keys("X", "y");
    expect(driver.effects).toMatchObject([{ type: "act", action: "kill", targets: [{ id: "id-job" }] }]);
  });

  test("a bulk action is about the marked processes as they were when it was asked for", () => {
    const driver = new Driver().keys("*", "r");
    driver.act({ type: "watch", now: 0, events: [{ type: "removed", id: "id-api", removal: "removed" }] });
    driver.keys("y");
    expect(driver.effects).toMatchObject([
      { action: "restart", targets: [{ id: "id-api" }, { id: "id-job" }, { id: "id-web" }] },
    ]);
  });

  test("attach asks as long as nobody can have seen that the cursor moved by itself", () => {
    const driver = new Driver().keys("/").type("eb").keys("enter", "a");
    expect(driver.state.overlay).toMatchObject({ kind: "confirm", action: "attach", targets: [{ id: "id-web" }] });
    driver.keys("enter");
    expect(driver.effects).toEqual([]);
    driver.keys("y");
    expect(driver.effects).toMatchObject([{ type: "attach", process: { id: "id-web" } }]);
    const later = new Driver().keys("/").type("eb").keys("enter").act({ type: "tick", now: 1000 });
    expect(later.keys("a").effects).toEqual([]);
    later.keys("n").act({ type: "tick", now: 2000 });
    expect(later.keys("a").effects).toMatchObject([{ type: "attach" }]);
    // Where the cursor was sent by a key, or the name was typed, it is known.
    expect(new Driver().keys("j", "a").effects).toMatchObject([{ type: "attach", process: { id: "id-job" } }]);
    expect(new Driver().keys("/").type("web").keys("enter", "a").effects).toMatchObject([{ type: "attach" }]);
    const gone = new Driver()
      .keys("j")
      .act({ type: "watch", now: 0, events: [{ type: "removed", id: "id-job", removal: "removed" }] });
    expect(gone.keys("a").state.overlay).toMatchObject({ action: "attach", targets: [{ id: "id-web" }] });
  });

  test("escape never quits, q and Ctrl-C do", () => {
    expect(new Driver().keys("escape", "escape", "escape").effects).toEqual([]);
    expect(new Driver().keys("q").effects).toEqual([{ type: "quit" }]);
    expect(new Driver().keys("ctrl+c").effects).toEqual([{ type: "quit" }]);
  });

  test.each(["?", "i"])(
    "what %s shows is left by q, Esc and its own key, none of which quits; Ctrl-C quits",
    (opens) => {
      for (const leaves of ["q", "escape", opens]) {
        const driver = new Driver().keys(opens);
        expect(driver.state.overlay).not.toBeNull();
        driver.effects = [];
        driver.keys(leaves);
        expect([leaves, driver.state.overlay, driver.effects]).toEqual([leaves, null, []]);
      }
      expect(new Driver().keys(opens, "ctrl+c").effects).toContainEqual({ type: "quit" });
    },
  );

  test("a filter takes effect while it is typed; escape goes back, enter keeps it", () => {
    const driver = new Driver().keys("/").type("we");
    expect(driver.state.table.order).toEqual(["id-web"]);
    driver.keys("escape");
    expect(driver.state.table.order).toHaveLength(3);
    driver.keys("/").type("we").keys("enter");
    expect(driver.state.prompt).toBeNull();
    expect(driver.state.table.filter).toBe("we");
    driver.keys("escape");
    expect(driver.state.table.filter).toBe("");
  });

  test("the log shows the selected process and its current run", () => {
    const driver = new Driver();
    expect(driver.state.log.target).toEqual({ id: "id-api", run: 1 });
    driver.keys("j");
    expect(driver.state.log.target).toEqual({ id: "id-job", run: 1 });
    driver.act({
      type: "watch",
      now: 0,
      events: [{ type: "modified", process: processInfo("id-job", { name: "job", run: 2 }) }],
    });
    expect(driver.state.log.target).toEqual({ id: "id-job", run: 2 });
  });

  test("the start form: words as a shell splits them, errors in place", () => {
    const driver = new Driver().keys("s", "enter");
    expect(driver.state.overlay).toMatchObject({ kind: "start", error: "Enter a command" });
    driver
      .type("sh -c 'echo hi'")
      .keys("tab")
      .type("/tmp")
      .keys("tab")
      .type("A=1 B='x y'")
      .keys("tab")
      .type("job-1")
      .keys("enter");
    expect(driver.effects).toEqual([
      {
        type: "start",
        submission: 1,
        options: { executable: "sh", args: ["-c", "echo hi"], cwd: "/tmp", env: { A: "1", B: "x y" }, name: "job-1" },
      },
    ]);
    driver.act({ type: "start-failed", submission: 1, error: "No such file" });
    expect(driver.state.overlay).toMatchObject({ error: "No such file" });
    driver.keys("enter");
    driver.act({ type: "started", submission: 2, process: processInfo("new", { name: "job-1" }), now: 0 });
    expect(driver.state.overlay).toBeNull();
    expect(driver.state.table.selected).toBe("new");
  });

  test("what comes of a start form that was left leaves the next one alone", () => {
    const driver = new Driver().keys("s").type("first").keys("enter", "escape", "s").type("second");
    const form = driver.state.overlay;
    driver.act({ type: "start-failed", submission: 1, error: "No such file" });
    expect(driver.state.overlay).toEqual(form);
    expect(driver.state.toasts.shown.map(({ text }) => text)).toEqual(["Not started: No such file"]);
    driver.keys("enter");
    driver.act({ type: "started", submission: 1, process: processInfo("new"), now: 0 });
    expect(driver.state.overlay).toMatchObject({ kind: "start", waiting: 2 });
  });

  test("D4 a process that is started while a filter is typed is shown and selected until the filter changes", () => {
    const driver = new Driver().keys("/").type("job");
    driver.act({ type: "started", submission: 1, process: processInfo("new", { name: "fresh" }), now: 0 });
    expect(driver.state.table.order).toEqual(["new", "id-job"]);
    expect(driver.state.table.selected).toBe("new");
    expect(driver.said).toEqual(["Started fresh; it is shown although the filter does not match it"]);
    // It has come by itself: attach asks.
    expect(driver.state.cursorMovedAt).toBe(0);
    // What the watch says of it later does not hide it again.
    driver.act({
      type: "watch",
      now: 0,
      events: [{ type: "modified", process: processInfo("new", { name: "fresh" }) }],
    });
    expect(driver.state.table.order).toEqual(["new", "id-job"]);
    driver.keys("backspace");
    expect(driver.state.table.order).toEqual(["id-job"]);
    driver.keys("escape");
    expect(driver.state.table.order).toEqual(["id-api", "new", "id-job", "id-web"]);
  });

  test("the answer to a start does not undo what the watch has said since", () => {
    const driver = new Driver().keys("s").type("true").keys("enter");
    const ended = processInfo("new", { state: "exited", code: 0 });
    driver.act({ type: "watch", now: 0, events: [{ type: "added", process: ended }] });
    driver.act({ type: "started", submission: 1, process: processInfo("new"), now: 0 });
    expect(driver.state.table.processes.get("new")?.state).toBe("exited");
    expect(driver.state.table.selected).toBe("new");
  });

  test("each change of state is remembered once, however many events tell of it", () => {
    const driver = new Driver();
    const starting = processInfo("new", { state: "starting" });
    driver.act({
      type: "watch",
      now: 5,
      events: [
        { type: "added", process: starting },
        { type: "modified", process: starting },
        { type: "modified", process: processInfo("new", { state: "running" }) },
      ],
    });
    expect(driver.state.changes.map(({ state }) => state)).toEqual(["starting", "running"]);
  });

  test("the details of a process that is removed keep what was last known of it", () => {
    const driver = new Driver()
      .keys("i")
      .act({ type: "details", process: processInfo("id-api", { name: "api" }), schedule: null, queue: null });
    const exited = processInfo("id-api", { name: "api", state: "exited", code: 3 });
    driver.act({
      type: "watch",
      now: 0,
      events: [
        { type: "modified", process: exited },
        { type: "removed", id: "id-api", removal: "removed" },
      ],
    });
    expect(driver.state.overlay).toMatchObject({ full: { state: "exited", run: { exit: { code: 3 } } } });
  });

  test("that a process was removed is the last of its changes, with why", () => {
    const driver = new Driver().keys("i");
    driver.act({ type: "details", process: processInfo("id-api", { name: "api" }), schedule: null, queue: null });
    const cause = { kind: "request", principal: "alice" } as const;
    driver.act({
      type: "watch",
      now: 5000,
      events: [
        { type: "removed", id: "id-api", removal: "removed", cause },
        { type: "removed", id: "id-job", removal: "retention" },
      ],
    });
    expect(driver.state.changes.map(({ id, state, cause: why }) => [id, state, why])).toEqual([
      ["id-api", "removed", cause],
      ["id-job", "removed", { kind: "retention" }],
    ]);
    const { overlay } = driver.state;
    if (overlay?.kind !== "details") {
      throw new Error("the details are not open");
    }
    const sentences = detailsSentences(pageSource(driver.state), overlay);
    expect(sentences[0]).toBe("It was removed: on request of alice");
    expect(sentences.find((sentence) => sentence.includes("∅"))).toMatch(/∅ removed · on request of alice$/);
  });

  test("details of what has a schedule or a queue are read again when it has moved on", () => {
    const driver = new Driver().keys("i");
    const details = { type: "details", schedule: null, queue: null } as const;
    const queued = (position: number, name = "builds") => {
      const process = processInfo("id-api", {
        name: "api",
        state: "waiting",
        supervision: supervisionStatus({ queuePosition: position }),
      });
      return { ...process, spec: { ...process.spec, queue: name } };
    };
    const modified = (process: ProcessInfo) => {
      driver.effects = [];
      return driver.act({ type: "watch", events: [{ type: "modified", process }], now: 1 }).effects;
    };
    const again = { type: "read-details", id: "id-api" };
    driver.act({ ...details, process: queued(2) });
    expect(modified(queued(2))).toEqual([again]);
    expect(modified({ ...queued(2), labels: { a: "b" } })).toEqual([]);
    expect(modified(queued(1))).toEqual([again]);
    expect(modified(queued(1, ""))).toEqual([]);
  });

  test("what is selected when Enter takes a filter stays when the filter goes; with Esc what was before is back", () => {
    const taken = new Driver().keys("/").type("web").keys("enter", "escape");
    expect([taken.state.table.filter, taken.state.table.selected]).toEqual(["", "id-web"]);
    const left = new Driver().keys("/").type("web").keys("escape");
    expect([left.state.table.filter, left.state.table.selected]).toEqual(["", "id-api"]);
  });

  test("space marks in the table; in the log it is a page down, and what x is about stays", () => {
    expect([...new Driver().keys("space").state.table.marks]).toEqual(["id-api"]);
    const { marks, selected } = new Driver().keys("2", "space").state.table;
    expect([marks.size, selected]).toEqual([0, "id-api"]);
  });

  test("the wheel scrolls what lies over the panes", () => {
    const driver = new Driver(80, 12).keys("?");
    const turn = (button: "wheel-up" | "wheel-down") =>
      driver.act({ type: "input", event: { type: "mouse", button, x: 3, y: 3 } });
    turn("wheel-down");
    expect(driver.state.overlay).toMatchObject({ kind: "help", scroll: 3 });
    turn("wheel-up");
    expect(driver.state.overlay).toMatchObject({ kind: "help", scroll: 0 });
  });

  test("details that were opened without a connection are read when there is one", () => {
    const driver = new Driver();
    driver.act({ type: "disconnected", error: "gone", attempt: 1, retryAt: 0 }).keys("i");
    driver.effects = [];
    driver.connect();
    expect(driver.effects).toEqual([{ type: "read-details", id: "id-api" }]);
  });

  test.each([
    [3, 1],
    [5, 1],
    [2, 0],
  ])("in %i rows a lost connection has %i of them", (rows, expected) => {
    const driver = new Driver(20, rows);
    expect(computeLayout(driver.state).header.height).toBe(0);
    driver.act({ type: "disconnected", error: "gone", attempt: 1, retryAt: 0 });
    expect(computeLayout(driver.state).header.height).toBe(expected);
  });

  test("a click on a row selects it, one below the last row selects nothing", () => {
    const driver = new Driver();
    const { table } = computeLayout(driver.state);
    const click = (row: number) =>
      driver.act({ type: "input", event: { type: "mouse", button: "left", x: 3, y: (table?.y ?? 0) + 2 + row } });
    click(1);
    expect(driver.state.table.selected).toBe("id-job");
    click(3);
    expect(driver.state.table.selected).toBe("id-job");
  });

  test("the palette runs commands, switches contexts and themes", () => {
    const driver = new Driver().keys(":").type("wrap").keys("enter");
    expect(driver.state.log.wrap).toBe(true);
    driver.keys(":").type("prod").keys("enter");
    expect(driver.effects).toContainEqual({ type: "switch-context", name: "prod" });
    // Those that were made since are read when it is opened.
    driver.effects = [];
    driver.keys(":");
    expect(driver.effects).toEqual([{ type: "read-contexts" }]);
    driver
      .act({ type: "contexts", names: ["prod", "staging"] })
      .type("staging")
      .keys("enter");
    expect(driver.effects).toContainEqual({ type: "switch-context", name: "staging" });
    driver.keys(":").type("theme: mono").keys("enter");
    expect(driver.state.theme).toBe("mono");
  });

  test("a paste goes where text is typed and is never taken for keys", () => {
    const driver = new Driver();
    driver.act({ type: "input", event: { type: "paste", text: "xy\nd" } });
    expect(driver.state.overlay).toBeNull();
    driver.keys("/").act({ type: "input", event: { type: "paste", text: "a\nb" } });
    expect(driver.state.prompt?.field.text).toBe("a b");
  });

  test("disconnected keeps the last data and says when it tries again", () => {
    const driver = new Driver().act({ type: "disconnected", error: "refused", attempt: 1, retryAt: 5000 });
    expect(driver.state.connection).toMatchObject({ phase: "disconnected", error: "refused" });
    expect(driver.state.table.order).toHaveLength(3);
  });

  test("toasts go by themselves", () => {
    const driver = new Driver().act({ type: "toast", notice: { level: "info", text: "x" }, now: 1000 });
    expect(driver.state.toasts.shown).toHaveLength(1);
    driver.act({ type: "tick", now: 10_000 });
    expect(driver.state.toasts.shown).toHaveLength(0);
  });
});

describe("the layout", () => {
  test.each([
    [1, 1],
    [3, 2],
    [10, 3],
    [40, 10],
    [80, 24],
    [160, 45],
    [300, 80],
  ])("%i columns and %i rows: everything is inside", (columns, rows) => {
    for (const key of ["?", ":", "s", "x", "i", "z", "2"]) {
      const { state } = new Driver(columns, rows).keys(key);
      const layout = computeLayout(state);
      for (const rect of [layout.header, layout.table, layout.log, layout.footer, layout.overlay]) {
        if (rect) {
          expect(rect.x).toBeGreaterThanOrEqual(0);
          expect(rect.y).toBeGreaterThanOrEqual(0);
          expect(rect.x + rect.width).toBeLessThanOrEqual(columns);
          expect(rect.y + rect.height).toBeLessThanOrEqual(rows);
        }
      }
    }
  });

  test("small terminals show one pane, wide ones both side by side", () => {
    expect(computeLayout(new Driver(40, 10).state).log).toBeNull();
    expect(computeLayout(new Driver(40, 10).keys("tab").state).table).toBeNull();
    const wide = computeLayout(new Driver(300, 80).state);
    expect(wide.log?.y).toBe(wide.table?.y);
  });
});

test.each([
  ["a b", ["a", "b"]],
  ["  a   b ", ["a", "b"]],
  ["'a b' c", ["a b", "c"]],
  ['"a \\" b"', ['a " b']],
  ["a\\ b", ["a b"]],
  ["''", [""]],
  ["", []],
  ["'open", null],
  ["back\\", null],
])("words of %j", (line, words) => {
  expect(shellSplit(line)).toEqual(words);
});
