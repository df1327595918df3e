/** `pm ls --watch`. */
import { type ProcessFilter, type ProcessInfo, toContractJson, type WatchEvent } from "../sdk/index.ts";
import type { Caller } from "./caller.ts";
import type { Connection } from "./connection.ts";
import type { Globals } from "./globals.ts";
import { painter } from "./output/color.ts";
import { jsonLine } from "./output/format.ts";
import { LiveScreen } from "./output/live-screen.ts";
import { processTable, wideProcessTable } from "./output/process-table.ts";
import { terminalColumns } from "./output/terminal.ts";
import { UsageError } from "./usage-error.ts";

export interface WatchListOptions {
  readonly filter: ProcessFilter;
  readonly globals: Globals;
  readonly format: "table" | "wide" | "json" | "jsonl" | "name" | "id";
}

/** Ends only by a signal or an error. */
export async function watchList(caller: Caller, connection: Connection, options: WatchListOptions): Promise<number> {
  const { filter, format } = options;
  if (format !== "table" && format !== "wide" && format !== "jsonl") {
    throw new UsageError("--watch shows a table or writes --output jsonl");
  }
  const own = caller.ownProcess();
  await connection.manager.daemon.info();
  const events = connection.manager.processes.watch({ filter });
  if (format === "jsonl" || terminalColumns(caller) === undefined) {
    return writeEvents(caller, events);
  }
  return drawTable(caller, own, events, options);
}

async function writeEvents(caller: Caller, events: AsyncIterable<WatchEvent>): Promise<number> {
  const shown = new Set<string>();
  const remove = (id: string): void => {
    if (shown.delete(id)) {
      caller.print(jsonLine({ type: "REMOVED", process: { id } }));
    }
  };
  // After a reset: what is not added again is gone.
  let unconfirmed: Set<string> | undefined;
  for await (const event of events) {
    switch (event.type) {
      case "reset":
        unconfirmed = new Set(shown);
        break;
      case "bookmark":
        unconfirmed?.forEach(remove);
        unconfirmed = undefined;
        break;
      case "removed":
        remove(event.id);
        break;
      case "added":
      case "modified": {
        const { id } = event.process;
        unconfirmed?.delete(id);
        caller.print(jsonLine({ type: shown.has(id) ? "MODIFIED" : "ADDED", process: toContractJson(event.process) }));
        shown.add(id);
      }
    }
  }
  return 0;
}

/** Milliseconds: as fast as an eye follows, and as slow as the clock in UPTIME. */
const redrawAfterMs = 100;
const redrawEveryMs = 1000;

async function drawTable(
  caller: Caller,
  own: NodeJS.Process,
  events: AsyncIterable<WatchEvent>,
  options: WatchListOptions,
): Promise<number> {
  const processes = new Map<string, ProcessInfo>();
  const paint = painter(caller, options.globals);
  const screen = new LiveScreen(caller);
  let pending: NodeJS.Timeout | undefined;
  const draw = (): void => {
    clearTimeout(pending);
    pending = setTimeout(draw, redrawEveryMs);
    const table = (options.format === "wide" ? wideProcessTable : processTable)([...processes.values()], {
      paint,
      width: terminalColumns(caller),
      now: new Date(),
    });
    screen.draw(table);
  };
  const soon = (): void => {
    clearTimeout(pending);
    pending = setTimeout(draw, redrawAfterMs);
  };
  own.on("SIGWINCH", draw);
  draw();
  let drawn = Date.now();
  for await (const event of events) {
    switch (event.type) {
      case "reset":
        processes.clear();
        break;
      case "removed":
        processes.delete(event.id);
        break;
      case "added":
      case "modified":
        processes.set(event.process.id, event.process);
        break;
    }
    // A flood of events must not put the drawing off for ever.
    if (Date.now() - drawn >= redrawAfterMs) {
      drawn = Date.now();
      draw();
    } else {
      soon();
    }
  }
  return 0;
}
