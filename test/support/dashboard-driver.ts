import type { DaemonInfo, ProcessInfo } from "../../src/sdk/types.ts";
import type { Action, Effect } from "../../src/tui/state/action.ts";
import { type DashboardState, initialState } from "../../src/tui/state/state.ts";
import { update } from "../../src/tui/state/update.ts";
import { processInfo } from "./process-info.ts";

/** A dashboard without a terminal, that remembers what it was told to do. */
export class DashboardDriver {
  state: DashboardState;
  effects: Effect[] = [];

  constructor(columns = 160, rows = 45, options: Partial<Parameters<typeof initialState>[0]> = {}) {
    this.state = initialState({
      columns,
      rows,
      endpoint: "unix:///x",
      context: "",
      contexts: ["prod"],
      theme: "ocean",
      now: 0,
      ...options,
    });
    this.list(...["api", "job", "web"].map((name) => processInfo(`id-${name}`, { name })));
  }

  /** The daemon's list, whole. */
  list(...processes: readonly ProcessInfo[]): this {
    return this.act({
      type: "watch",
      now: 0,
      events: [
        { type: "reset" },
        ...processes.map((process) => ({ type: "added" as const, process })),
        { type: "bookmark", resourceVersion: "1" },
      ],
    });
  }

  connect(): this {
    const info = { hostname: "host", version: "0.1.0", pid: 1 } as DaemonInfo;
    return this.act({ type: "connected", info });
  }

  act(action: Action): this {
    const { state, effects } = update(this.state, action);
    this.state = state;
    this.effects.push(...effects);
    return this;
  }

  keys(...keys: string[]): this {
    for (const key of keys) {
      this.act({ type: "input", event: { type: "key", key } });
    }
    return this;
  }

  type(text: string): this {
    return this.keys(...[...text].map((character) => (character === " " ? "space" : character)));
  }

  paste(text: string): this {
    return this.act({ type: "input", event: { type: "paste", text } });
  }

  /** What the toasts say, the newest last. */
  get said(): readonly string[] {
    return this.state.toasts.shown.map(({ text }) => text);
  }
}
