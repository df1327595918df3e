import type { Change } from "../api/process.ts";
import type { ExitStatus } from "../api/run.ts";
import type { JournalEntry } from "../history/entry.ts";
import type { Journal } from "../history/journal.ts";

/** What the journal knows of one process. */
export interface PastOf {
  /** It was accepted; false if the journal does not reach back so far. */
  readonly created: boolean;
  /** It was removed, or was about to be. */
  readonly removed: boolean;
  readonly name: string;
  /** The runs that were executed. */
  readonly executed: ReadonlySet<number>;
  readonly lastChange: Change | null;
  /** How the main process ended, where that was the last change. */
  readonly exit: ExitStatus | null;
  /** The number of its last entry; 0: there is none. */
  readonly last: number;
  /** When its first run was executed; 0: unknown, or it was not. */
  readonly announcedAt: number;
}

interface Mutable {
  created: boolean;
  removed: boolean;
  name: string;
  readonly executed: Set<number>;
  lastChange: Change | null;
  exit: ExitStatus | null;
  last: number;
  announcedAt: number;
}

/** Reads the journal once; answers what it knows of a process. */
export function readPast(journal: Journal): (id: string) => PastOf {
  const known = new Map<string, Mutable>();
  for (const entry of journal.all()) {
    if (entry.processId === "") continue;
    let past = known.get(entry.processId);
    // The same id may be used again after a removal.
    if (past === undefined || entry.type === "created") {
      past = nothing();
      known.set(entry.processId, past);
    }
    take(past, entry);
  }
  const unknown = nothing();
  return (id) => known.get(id) ?? unknown;
}

function take(past: Mutable, entry: JournalEntry): void {
  const { type, sequence, run, from, to, cause } = entry;
  past.last = sequence;
  past.name = entry.processName;
  if (type === "created") past.created = true;
  if (type === "removed") past.removed = true;
  // Whatever follows the start of a run says that it was executed.
  if (to !== "" && to !== "starting" && to !== "failed") {
    past.executed.add(run);
    if (past.announcedAt === 0) past.announcedAt = sequence;
  }
  if (to === "") return;
  const time = BigInt(entry.timeMicros) * 1000n;
  past.lastChange = { sequence, time, run, from: from === "" ? null : from, to, cause };
  past.exit = entry.exit;
}

function nothing(): Mutable {
  return {
    created: false,
    removed: false,
    name: "",
    executed: new Set(),
    lastChange: null,
    exit: null,
    last: 0,
    announcedAt: 0,
  };
}
