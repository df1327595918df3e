import type { Run } from "../run/run.ts";
import type { ManagedProcess } from "./process.ts";
import type { ProcessRecord, RunRecord } from "./record.ts";

/** What the record of a process says now. */
export function toRecord(process: ManagedProcess): ProcessRecord {
  const { id, name, labels, spec, createTime, sequence, desired, lastChange, intents, signaling } = process;
  const { supervision, standing } = process;
  const runs = [currentRun(process.current), ...process.earlier.map(pastRun)];
  const identity = { id, name, labels, spec, createTime, sequence };
  return { ...identity, desired, lastChange, intents, signaling, supervision, standing, runs };
}

/** Its ring, if there is one, says the rest. */
function currentRun(run: Run): RunRecord {
  return record(run, run.view === null && run.summary !== null ? { state: run.state, summary: run.summary } : null);
}

function pastRun(run: Run): RunRecord {
  return record(run, { state: run.state, summary: run.summarize() });
}

function record(run: Run, past: RunRecord["past"]): RunRecord {
  const { number, cause, createTime, sequence, effective, limits, failure, oomKilled, end, stop, outputDropped } = run;
  return { number, cause, createTime, sequence, effective, limits, failure, oomKilled, end, stop, outputDropped, past };
}
