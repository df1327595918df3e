import { escapeText } from "../../common/escape.ts";
import { ExitCode } from "../../common/exit-codes.ts";
import { type Event, type EventType, toContractJson } from "../../sdk/index.ts";
import { choice, moment, wholeNumber } from "../arguments/values.ts";
import { defineCommand, flag, repeated, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { findProcesses } from "../find.ts";
import { jsonLine, outputOption } from "../output/format.ts";
import { stateText } from "../output/process-table.ts";
import { filtersOf, selectionHelp, selectionOf, selectionOptions } from "../selection.ts";
import { UsageError } from "../usage-error.ts";

/** How each is shown. One that is missing here is an error of the compiler. */
const words: Readonly<Record<Exclude<EventType, "unknown">, string>> = {
  created: "created",
  stateChanged: "state",
  stopRequested: "stop requested",
  restartRequested: "restart requested",
  signaled: "signaled",
  updated: "updated",
  treeGone: "tree gone",
  removed: "removed",
  daemonStarted: "daemon started",
  daemonStopped: "daemon stopped",
  waiting: "waiting",
  ready: "ready",
  notReady: "not ready",
  healthy: "healthy",
  unhealthy: "unhealthy",
  hookFailed: "hook failed",
  scheduleSkipped: "schedule skipped",
  projectApplied: "project applied",
  projectRemoved: "project removed",
};
const types = Object.keys(words) as (keyof typeof words)[];

export const command = defineCommand({
  summary: "Show what happened to processes, why, and who requested it",
  description: `One line per event in the daemon's journal. Without an ID, events of all processes and of the daemon.\n\n${selectionHelp}`,
  options: {
    follow: flag("Follow: wait for more events", "f"),
    lines: single("NUMBER", wholeNumber(0), "Only the last events", { short: "n", complete: "none" }),
    since: single("TIME", moment, "Only events since 2026-01-31T12:00:00Z, or since 10m (ten minutes ago)", {
      complete: "none",
    }),
    type: repeated("TYPE", choice(...types), "Only events of this type", { complete: types }),
    selector: selectionOptions.selector,
    output: outputOption("text", "jsonl"),
  },
  operands: { usage: "[ID...]", min: 0, complete: "process" },
  examples: [
    ["pm events api", "what happened to it"],
    ["pm events -o jsonl --type signaled | jq -r .cause.principal", "who sent signals"],
  ],
  async run({ options, operands, globals, caller }) {
    if (options.follow) {
      // It outlives the daemon, and ends by a signal.
      caller.ownProcess();
    }
    if (options.follow && options.lines === 0 && options.since !== undefined) {
      throw new UsageError("give either --since or --lines 0, not both");
    }
    const { manager } = await openConnection(caller, globals, { follows: options.follow });
    const selects = operands.length > 0 || options.selector !== undefined;
    let failed: number | undefined;
    let filter: ReturnType<typeof filtersOf>[number] | undefined;
    if (selects) {
      const selection = selectionOf(operands, { selector: options.selector, all: false });
      const named = { ...selection, patterns: [] };
      const refs =
        named.refs.length === 0 ? undefined : await findProcesses(manager, named, caller, { debug: globals.debug });
      failed = refs?.failed;
      const ids = refs?.found.map(({ id }) => id) ?? [];
      if (ids.length === 0 && selection.refs.length > 0 && selection.patterns.length === 0) {
        return failed ?? ExitCode.ok;
      }
      filter = filtersOf(selection, ids)[0];
    }
    const show = (event: Event): void =>
      caller.print(options.output === "jsonl" ? jsonLine(toContractJson(event)) : `${eventText(event)}\n`);
    const keep = ({ time }: Event): boolean => options.since === undefined || time >= options.since;
    const common = { ...(filter && { filter }), ...(options.type.length > 0 && { types: options.type }) };
    let last = 0;
    const held: Event[] = [];
    for await (const frame of manager.events.stream(common)) {
      if (frame.type === "opened") {
        last = frame.lastSequence;
      } else if (frame.type === "dropped") {
        caller.note(`pm: ${frame.to - frame.from} events are no longer kept\n`);
      } else if (frame.type === "event" && keep(frame.event)) {
        last = Math.max(last, frame.event.sequence);
        if (options.lines === undefined) {
          show(frame.event);
        } else {
          held.push(frame.event);
          held.splice(0, Math.max(0, held.length - options.lines));
        }
      }
    }
    held.forEach(show);
    if (options.follow) {
      for await (const frame of manager.events.stream({ ...common, follow: true, afterSequence: last })) {
        if (frame.type === "event") {
          show(frame.event);
        } else if (frame.type === "dropped") {
          caller.note(`pm: ${frame.to - frame.from} events are no longer kept\n`);
        }
      }
    }
    return failed ?? ExitCode.ok;
  },
});

/** "2026-01-31T12:00:00.000Z web run 2: running -> exited (exit code 1)". */
function eventText({ time, type, processId, processName, run, from, to, cause, exit }: Event): string {
  const about = processName ?? processId ?? "";
  const change =
    type === "stateChanged" || type === "created"
      ? ` ${from === undefined ? "" : `${stateText(from)} -> `}${to === undefined ? "" : stateText(to)}`
      : "";
  const how =
    exit === undefined ? "" : exit.code === undefined ? `, ended by ${exit.signalName}` : `, exit code ${exit.code}`;
  const why = [cause?.kind, cause?.principal && `by ${cause.principal}`, cause?.detail].filter(Boolean).join(", ");
  return escapeText(
    [
      time.toISOString(),
      ...(about === "" ? [] : [about]),
      `${run === undefined ? "" : `run ${run}: `}${type === "unknown" ? type : words[type]}${change}${how}${why === "" ? "" : ` (${why})`}`,
    ].join(" "),
  );
}
