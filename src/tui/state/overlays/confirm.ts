import type { ProcessInfo } from "../../../sdk/types.ts";
import { textWidth, visibleText, wrapText } from "../../terminal/wrap.ts";
import { commandLine } from "../table/process-filter.ts";
import { beginsByItself, isOver, stateText } from "../table/process-outcome.ts";
import { processLabel } from "../table/selection.ts";
import type { TableState } from "../table/table.ts";
import type { Confirmation, ConfirmedAction } from "./overlay.ts";

/** The verb, and what it means for one and for several. */
const WORDS: Record<ConfirmedAction, { readonly verb: string; readonly one: string; readonly several: string }> = {
  stop: {
    verb: "Stop",
    one: "Sends the stop signal and waits for the grace period",
    several: "Sends each its stop signal and waits for its grace period",
  },
  kill: {
    verb: "Kill",
    one: "Kills the whole process tree at once; unsaved work is lost",
    several: "Kills their whole process trees at once; unsaved work is lost",
  },
  restart: {
    verb: "Restart",
    one: "Stops it if it runs, then starts a new run",
    several: "Stops each that runs, then starts a new run of each",
  },
  remove: {
    verb: "Remove",
    one: "Deletes the process, and the output of all its runs",
    several: "Deletes the processes, and the output of all their runs",
  },
  attach: {
    verb: "Attach to",
    one: "The selection has just moved to it by itself",
    several: "The selection has just moved by itself",
  },
};

/** Whether nothing of it lives, or nothing that pm could end. */
function hasEnded(process: ProcessInfo): boolean {
  return isOver(process) && !process.run?.treeAlive;
}

/** Whether it has ended and another run is about to begin: nobody who sees it come and go can press a key in between. */
function comesBack(process: ProcessInfo): boolean {
  return process.state === "exited" && process.desiredState === "running" && beginsByItself(process);
}

function possible(action: ConfirmedAction, process: ProcessInfo): boolean {
  switch (action) {
    case "stop":
    case "kill":
      return !hasEnded(process) || comesBack(process);
    case "restart":
    case "attach":
      return true;
    case "remove":
      return hasEnded(process);
  }
}

/** Why it can be done to none of them, and what to do. */
function impossible(action: ConfirmedAction, chosen: readonly ProcessInfo[]): string {
  const [first] = chosen;
  const one = chosen.length === 1 && first ? first : null;
  const label = one ? visibleText(processLabel(one)) : "";
  if (action !== "remove") {
    return one?.state === "lost"
      ? `${label} is lost: nothing of it is known to be running`
      : one
        ? `${label} has ended already`
        : `All ${chosen.length} have ended already`;
  }
  if (!one) {
    return `None of the ${chosen.length} has ended: x stops them first`;
  }
  return isOver(one)
    ? `Children of ${label} are still running: x stops them first`
    : `${label} is ${stateText(one)}: x stops it first`;
}

/** What is to be asked; or why there is nothing to ask, in a sentence. `chosen` is not empty. */
export function confirmation(
  action: ConfirmedAction,
  chosen: readonly ProcessInfo[],
  shown: readonly string[],
): Confirmation | string {
  const targets = chosen.filter((process) => possible(action, process));
  if (targets.length === 0) {
    return impossible(action, chosen);
  }
  const visible = new Set(shown);
  return {
    kind: "confirm",
    action,
    targets,
    leftAlone: chosen.length - targets.length,
    hidden: targets.filter(({ id }) => !visible.has(id)).length,
    scroll: 0,
  };
}

/** "Stop" */
export function confirmVerb(action: ConfirmedAction): string {
  return WORDS[action].verb;
}

/** What is asked: names the one, counts several. */
export function confirmQuestion({ action, targets }: Confirmation): string {
  const [first] = targets;
  return targets.length === 1 && first
    ? `${WORDS[action].verb} ${visibleText(processLabel(first))}?`
    : `${WORDS[action].verb} ${targets.length} processes?`;
}

/** What else there is to know before the answer, the most important first. */
export function confirmNotes({ action, targets, hidden, leftAlone }: Confirmation): readonly string[] {
  const notes: string[] = [];
  if (hidden > 0) {
    notes.push(
      targets.length === 1
        ? "It is hidden by the filter"
        : `${hidden} of them ${hidden === 1 ? "is" : "are"} hidden by the filter`,
    );
  }
  if (leftAlone > 0) {
    const what =
      action === "remove"
        ? leftAlone === 1
          ? "that runs is"
          : "that run are"
        : `that ${leftAlone === 1 ? "has ended is" : "have ended are"}`;
    notes.push(`${leftAlone} ${what} left alone`);
  }
  return [...notes, WORDS[action][targets.length === 1 ? "one" : "several"]];
}

/** What the dialog is made of where there is only so much room. */
export interface ConfirmLayout {
  readonly width: number;
  readonly height: number;
  /** Rows for targets. */
  readonly rows: number;
  /** Notes, wrapped, as many as there is room for. */
  readonly notes: readonly string[];
  /** Whether the keys stand in it, and a blank row above them. */
  readonly keys: boolean;
  readonly blank: boolean;
}

const WIDTHS = { least: 66, most: 120 };
/** The border and the title. */
const AROUND = 3;
/** Targets that are shown before the notes are. */
const TARGETS_FIRST = 3;

/**
 * Title and keys come first, then some targets, then the notes, then the other
 * targets. Where two rows are all there is, the keys are left to the footer.
 */
export function confirmLayout(overlay: Confirmation, area: { width: number; height: number }): ConfirmLayout {
  const count = overlay.targets.length;
  const needed = overlay.targets.reduce((widest, target) => Math.max(widest, targetWidth(target)), 0) + 4;
  const width = Math.max(1, Math.min(area.width, WIDTHS.most, Math.max(WIDTHS.least, needed)));
  const allNotes = confirmNotes(overlay).flatMap((note) => wrapText(note, width - 4));
  const height = Math.max(1, Math.min(area.height, AROUND + count + allNotes.length + 2));
  const below = Math.max(0, height - AROUND);
  const keys = below > 1;
  const room = keys ? below - 1 : below;
  const notes = allNotes.slice(0, Math.max(0, room - Math.min(count, TARGETS_FIRST)));
  const rows = Math.min(count, room - notes.length);
  return { width, height, rows, notes, keys, blank: room > notes.length + rows };
}

/** What tells a target from others: its label, the beginning of its id, its command line. */
export function targetParts(process: ProcessInfo): {
  readonly label: string;
  readonly id: string;
  readonly command: string;
} {
  return {
    label: visibleText(processLabel(process)),
    id: process.id.slice(0, 8),
    command: visibleText(commandLine(process).slice(0, WIDTHS.most)),
  };
}

/** What has become of a target since it was asked about; "": it is as it was. */
export function sinceAsked(target: ProcessInfo, { processes }: TableState): string {
  const now = processes.get(target.id);
  if (!now) {
    return "removed meanwhile";
  }
  const run = now.run?.number;
  return run !== target.run?.number
    ? `run ${run} by now`
    : now.state !== target.state
      ? `${stateText(now)} by now`
      : "";
}

/** Cells of its parts, two blanks between them; one that is very long needs no exact answer. */
function targetWidth(process: ProcessInfo): number {
  const { label, id, command } = targetParts(process);
  return textWidth(`${label}  ${id}  ${command}`.slice(0, WIDTHS.most));
}
