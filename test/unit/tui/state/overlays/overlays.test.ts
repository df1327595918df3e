import { describe, expect, test } from "vitest";
import type { DaemonInfo, ProcessInfo } from "../../../../../src/sdk/types.ts";
import { TypeAhead } from "../../../../../src/tui/control/type-ahead.ts";
import { computeLayout } from "../../../../../src/tui/state/layout.ts";
import { overlayContext, pageSource } from "../../../../../src/tui/state/overlay-context.ts";
import { confirmation, confirmLayout, confirmNotes } from "../../../../../src/tui/state/overlays/confirm.ts";
import { detailsView } from "../../../../../src/tui/state/overlays/details-view.ts";
import { scrolls } from "../../../../../src/tui/state/overlays/pager.ts";
import { paletteEntries } from "../../../../../src/tui/state/overlays/palette.ts";
import { policyDetails } from "../../../../../src/tui/state/overlays/supervision-view.ts";
import { type DashboardState, initialState } from "../../../../../src/tui/state/state.ts";
import { toastBlocks, toastRect } from "../../../../../src/tui/state/toasts/toast-view.ts";
import { update } from "../../../../../src/tui/state/update.ts";
import { processInfo, supervisionStatus } from "../../../../support/process-info.ts";

type Overrides = Parameters<typeof processInfo>[1];

function dashboardOf(...processes: readonly [name: string, overrides: Overrides][]): DashboardState {
  const state = initialState({
    columns: 100,
    rows: 30,
    endpoint: "unix:///x",
    context: "",
    contexts: [],
    contextInUse: "",
    theme: "ocean",
    now: 0,
    directory: "/srv",
  });
  return update(state, {
    type: "watch",
    now: 0,
    events: [
      { type: "reset" },
      ...processes.map(([name, overrides]) => ({
        type: "added" as const,
        process: processInfo(`id-${name}`, { name, ...overrides }),
      })),
      { type: "bookmark", resourceVersion: "1" },
    ],
  }).state;
}

function keys(state: DashboardState, ...names: string[]): DashboardState {
  return names.reduce((next, key) => update(next, { type: "input", event: { type: "key", key } }).state, state);
}

const many = Array.from({ length: 40 }, (_, i): [string, Overrides] => [`p${String(i).padStart(2, "0")}`, {}]);

describe("the details", () => {
  const shown = (overrides: Overrides): string[] => {
    const state = keys(dashboardOf(["api", overrides]), "i");
    if (state.overlay?.kind !== "details") {
      throw new Error("no details");
    }
    return detailsView(pageSource(state), state.overlay, 100).map(({ label, text }) => `${label} ${text}`.trim());
  };
  const survivor = { pid: 77, command: "sleep 9", state: "sleeping" };
  const cause = { kind: "request", principal: "alice" } as const;

  test("say what came of the last stop", () => {
    const time = (milliseconds: number): Date => new Date(milliseconds);
    const stop = {
      cause,
      signal: "SIGTERM",
      graceMs: 2000,
      force: true,
      requestTime: time(1000),
      signalTime: time(1001),
      killTime: time(3100),
      endTime: time(13_500),
      outcome: "survived",
      survivors: [survivor],
    } as const;
    const lines = shown({ runInfo: { stop } });
    const from = lines.indexOf("Last stop");
    expect(lines.slice(from + 1, from + 6)).toEqual([
      expect.stringMatching(/^When .*:01 · on request of alice$/),
      "Signal SIGTERM, 2s grace period, then SIGKILL",
      "Killed SIGKILL after 2.1s",
      "Outcome part of the tree is still running after 12s",
      "77 sleep 9  sleeping",
    ]);
    expect(shown({})).not.toContain("Last stop");
  });

  test("list what still runs of a lost run", () => {
    const lines = shown({ state: "lost", runInfo: { treeAlive: true, survivors: [survivor] } });
    expect(lines[lines.indexOf("Still running without its shim") + 1]).toBe("77 sleep 9  sleeping");
  });

  test("say that it is suspended, why the run began, and what was asked for in bytes", () => {
    const lines = shown({ suspended: true, args: [Buffer.of(0xff)], runInfo: { cause } });
    expect(lines).toContain("State ‖ suspended");
    expect(lines).toContain("Run 1 · on request of alice");
    expect(lines).toContain("Arguments \\xff");
  });

  test("say what a schedule and a queue make of it, once they are read", () => {
    const now = new Date(2026, 10, 26, 14, 0);
    const process = processInfo("id-api", {
      name: "api",
      state: "waiting",
      supervision: supervisionStatus({ schedule: "nightly", restarts: 12, attempt: 2, maxAttempts: 5 }),
    });
    const full = { ...process, spec: { ...process.spec, queue: "builds" } };
    let state = update(keys(dashboardOf(["api", {}]), "i"), {
      type: "watch",
      events: [{ type: "modified", process: full }],
      now: now.getTime(),
    }).state;
    // Connected, or the time would stand still.
    state = update(state, { type: "connected", info: { hostname: "h", version: "1", pid: 1 } as DaemonInfo }).state;
    state = update(state, { type: "tick", now: now.getTime() }).state;
    const lines = (): string[] => {
      if (state.overlay?.kind !== "details") {
        throw new Error("no details");
      }
      return detailsView(pageSource(state), state.overlay, 100).map(({ label, text }) => `${label} ${text}`.trim());
    };
    expect(lines()).toEqual(expect.arrayContaining(["Schedule nightly", "Queue builds", "Restarts 12 (2/5)"]));
    const schedule = {
      name: "nightly",
      processId: "api",
      timing: { kind: "cron", expression: "0 3 * * *" },
      timeZone: "Europe/Berlin",
      overlap: "replace",
      catchUp: "once",
      paused: false,
      createTime: now,
      nextTime: new Date(2026, 10, 26, 14, 5),
      lastTime: new Date(2026, 10, 25, 3, 0),
      lastResult: "failed",
      resourceVersion: "1",
    } as const;
    const queue = { name: "builds", parallelism: 2, paused: true, running: ["x"], waiting: ["api"], waitingCount: 1 };
    state = update(state, { type: "details", process: full, schedule, queue }).state;
    expect(lines()).toEqual(
      expect.arrayContaining([
        "Schedule nightly · 0 3 * * * · Europe/Berlin",
        "Next time in 5m00s",
        expect.stringMatching(/^Last time 2026-11-25 03:00.* · failed$/),
        "If running replaces it",
        "If missed runs once",
        "Queue builds · 2 at a time · paused · 1 running, 1 waiting",
      ]),
    );
    // One of another name is of another time.
    state = update(state, {
      type: "details",
      process: full,
      schedule: { ...schedule, name: "weekly" },
      queue: null,
    }).state;
    expect(lines()).toEqual(expect.arrayContaining(["Schedule nightly", "Queue builds"]));
  });

  test("say all of the policies that were asked for", () => {
    const spec = {
      restart: {
        mode: "always",
        maxAttempts: 5,
        windowMs: 60_000,
        memoryBytes: 512 << 20,
        backoff: { initialMs: 1000, maxMs: 30_000, multiplier: 2 },
      },
      dependsOn: [{ process: "db", condition: "ready" }, { process: "cache" }],
      readiness: { check: { kind: "tcp", port: 80 }, intervalMs: 2000 },
      stopCommand: { executable: "pg_ctl", args: ["stop"] },
      hooks: [{ events: ["exited", "givenUp"], command: { executable: "page" } }],
      maxRunMs: 60_000,
      successCodes: [0, 3],
    } as const;
    expect(policyDetails({ ...processInfo("a").spec, ...spec }).filter(([, value]) => value !== "")).toEqual([
      ["Restart", "always, at most 5 in 1m, above 512M of memory"],
      ["Backoff", "1s, then 2 times as long, up to 30s"],
      ["Ready when", "connects to 127.0.0.1:80, every 2s"],
      ["Depends on", "db ready, cache started"],
      ["Run limit", "1m"],
      ["Stop command", "pg_ctl stop"],
      ["Hooks", "exited, givenUp: page"],
      ["Success", "exit code 0, 3"],
    ]);
  });

  test("are there before the first run", () => {
    const lines = shown({ state: "waiting", runInfo: null });
    expect(lines).toContain("State ◔ waiting");
    expect(lines.some((line) => line.startsWith("Run"))).toBe(false);
  });
});

describe("before something is ended or lost", () => {
  test("what waits for its next run can be stopped, not removed; what was given up can be removed", () => {
    const waiting = dashboardOf(["api", { state: "waiting", runInfo: null }]);
    expect(keys(waiting, "x").overlay).toMatchObject({ kind: "confirm", action: "stop" });
    expect(keys(waiting, "d").toasts.shown.map(({ text }) => text)).toEqual(["api is waiting: x stops it first"]);
    const givenUp = dashboardOf(["api", { state: "givenUp", code: 1 }]);
    expect(keys(givenUp, "d").overlay).toMatchObject({ kind: "confirm", action: "remove" });
    expect(keys(givenUp, "x").toasts.shown.map(({ text }) => text)).toEqual(["api has ended already"]);
  });

  test("what is about to begin again can be stopped between its runs", () => {
    const between = (desiredState: "running" | "stopped"): ProcessInfo => {
      const process = processInfo("api", { name: "api", state: "exited", code: 1 });
      return { ...process, desiredState, spec: { ...process.spec, restart: { mode: "always" } } };
    };
    const asked = (process: ProcessInfo) => confirmation("stop", [process], ["api"]);
    expect(asked(between("running"))).toMatchObject({ kind: "confirm" });
    expect(asked(between("stopped"))).toBe("api has ended already");
  });

  test("what lives on of a lost run can be stopped", () => {
    const lost = dashboardOf(["api", { state: "lost", runInfo: { treeAlive: true } }]);
    expect(keys(lost, "x").overlay).toMatchObject({ kind: "confirm", action: "stop" });
    const gone = dashboardOf(["api", { state: "lost" }]);
    expect(keys(gone, "x").toasts.shown.map(({ text }) => text)).toEqual([
      "api is lost: nothing of it is known to be running",
    ]);
  });

  test("every target can be seen, by scrolling where there is no room", () => {
    let state = keys(dashboardOf(...many), "*", "x");
    expect(state.overlay).toMatchObject({ kind: "confirm", scroll: 0 });
    state = keys(state, "G");
    const { overlay } = state;
    if (overlay?.kind !== "confirm") {
      throw new Error("no confirmation");
    }
    const { rows } = confirmLayout(overlay, { width: 100, height: 27 });
    expect(overlay.targets).toHaveLength(40);
    expect(overlay.scroll).toBe(40 - rows);
    expect(keys(state, "k").overlay).toMatchObject({ scroll: 40 - rows - 1 });
  });

  test("only y confirms", () => {
    const asked = keys(dashboardOf(["api", {}]), "X");
    for (const key of ["enter", "space", "x", "X"]) {
      expect(update(asked, { type: "input", event: { type: "key", key } }).effects).toEqual([]);
    }
    expect(update(asked, { type: "input", event: { type: "key", key: "y" } }).effects).toMatchObject([{ type: "act" }]);
  });

  test("what the filter hides is told", () => {
    const marked = keys(dashboardOf(["api", {}], ["job", {}]), "*", "/", "a", "p", "i", "enter", "x");
    expect(marked.overlay?.kind === "confirm" && confirmNotes(marked.overlay)[0]).toBe(
      "1 of them is hidden by the filter",
    );
  });

  test("nothing is asked where nothing can be done: it is told why", () => {
    const running = keys(dashboardOf(["api", {}]), "d");
    expect(running.overlay).toBeNull();
    expect(running.toasts.shown.at(-1)?.text).toBe("api is running: x stops it first");
    const none = keys(dashboardOf(), "x");
    expect([none.overlay, none.toasts.shown.length]).toEqual([null, 1]);
  });
});

test("what failed stays marked and is named, each with its reason", () => {
  const state = keys(dashboardOf(["a", {}], ["b", {}], ["c", {}]), "*");
  const targets = [...state.table.processes.values()];
  const failures = targets.slice(1).map((process) => ({ process, reason: "it did not end", connection: false }));
  const after = update(state, { type: "action-result", action: "stop", targets, failures, now: 0 }).state;
  expect([...after.table.marks]).toEqual(["id-b", "id-c"]);
  expect(after.toasts.shown.at(-1)?.text).toBe("1 of 3 stopped. Not stopped: it did not end: b, c");
  expect(after.toasts.messages.at(-1)?.text).toBe(after.toasts.shown.at(-1)?.text);
});

test("a long message is wrapped, not cut", () => {
  const text = "why ".repeat(60).trim();
  const [block] = toastBlocks([{ id: 1, level: "error", text, until: 0 }], 70, 20);
  expect(block?.lines.join(" ")).toBe(text);
  expect(block?.lines.length).toBeGreaterThan(1);
});

test("Esc takes a message away and goes back at once", () => {
  let state = keys(dashboardOf(["api", {}]), "d", "/", "x");
  expect(state.toasts.shown).toHaveLength(1);
  state = keys(state, "escape");
  expect([state.toasts.shown.length, state.prompt]).toEqual([0, null]);
});

test("details show long values whole, and one key back from the end moves", () => {
  const value = "word ".repeat(100).trim();
  let state = keys(dashboardOf(["api", { args: ["-c", value] }]), "i");
  const { overlay } = state;
  if (overlay?.kind !== "details") {
    throw new Error("no details");
  }
  const lines = detailsView(pageSource(state), overlay, 60);
  expect(lines.every(({ text, label }) => text.length + label.length <= 60)).toBe(true);
  expect(lines.map(({ text }) => text).join(" ")).toContain(value);
  state = keys({ ...state, columns: 60, rows: 14 }, "G");
  const bottom = state.overlay?.kind === "details" ? state.overlay.scroll : -1;
  expect(bottom).toBeGreaterThan(0);
  expect(keys(state, "k").overlay).toMatchObject({ scroll: bottom - 1 });
});

test("a long name of the environment stands beside its value where there is room", () => {
  const name = "A_VERY_LONG_NAME_OF_AN_ENVIRONMENT_VARIABLE";
  const state = keys(dashboardOf(["api", {}]), "i");
  const { overlay } = state;
  if (overlay?.kind !== "details") {
    throw new Error("no details");
  }
  const process = processInfo("id-api", { name: "api" });
  const full = { ...process, spec: { ...process.spec, env: { [name]: "x", B: "y" } } };
  const lines = detailsView(pageSource(state), { ...overlay, full }, 110);
  expect(lines.find(({ label }) => label === name)?.text).toBe("••••••••");
});

test("the palette puts what begins with the words before what only holds them", () => {
  const choices = {
    contexts: ["prod"],
    context: "",
    theme: "ocean",
    sortKey: "name",
    hiddenColumns: [],
    alert: "none",
    layout: "auto",
  } as const;
  expect(paletteEntries("context", choices)[0]?.label).toBe("Context: prod");
  expect(paletteEntries("sort by cpu", choices)[0]).toMatchObject({ kind: "sort", key: "cpu" });
});

test("q among keys typed ahead does not quit, alone it does", () => {
  const key = (name: string) => ({ type: "key", key: name }) as const;
  const early = new TypeAhead();
  expect(early.keep(key("q"))).toBe(false);
  expect(early.keep(key("/"))).toBe(true);
  expect(early.keep(key("q"))).toBe(true);
  expect(early.keep(key("ctrl+c"))).toBe(false);
  expect(early.release()).toEqual([key("/"), key("q")]);
});

test("a question about one says what is deleted of it, one about several of them", () => {
  const ended = ["a", "b"].map((name) => processInfo(`id-${name}`, { name, state: "exited", code: 0 }));
  const notes = [ended.slice(0, 1), ended].map((chosen) => {
    const asked = confirmation(
      "remove",
      chosen,
      chosen.map(({ id }) => id),
    );
    return typeof asked === "string" ? asked : confirmNotes(asked).join();
  });
  expect(notes).toEqual([
    "Deletes the process, and the output of all its runs",
    "Deletes the processes, and the output of all their runs",
  ]);
});

test("a page takes no more rows than it has to say, and the help shows all of it where there is room", () => {
  const at = (kind: "messages" | "help", columns: number, rows: number): DashboardState => ({
    ...dashboardOf(),
    columns,
    rows,
    overlay: { kind, scroll: 0 },
  });
  const messages = at("messages", 160, 45);
  expect(computeLayout(messages).overlay?.height).toBe(4);
  for (const [columns, rows, all] of [
    [80, 24, false],
    [220, 60, true],
  ] as const) {
    const state = at("help", columns, rows);
    const overlay = { kind: "help", scroll: 0 } as const;
    expect(scrolls(pageSource(state), overlay, overlayContext(state))).toBe(!all);
  }
});

test("what a toast leaves of a row is enough to be read, or nothing", () => {
  const toast = (text: string) => [{ id: 1, level: "error", text, time: 0, until: 1 }] as never;
  const area = { x: 0, y: 0, width: 80, height: 10 };
  expect(toastRect(toast("x".repeat(60)), area)?.x).toBe(16);
  expect(toastRect(toast("x".repeat(72)), area)).toMatchObject({ x: 0, width: 80 });
});
