import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** By how much the heap may grow before a full collection, in percent of what is in use. */
const GROWTH_PERCENT = 30;
let isOn = false;

/**
 * Collects garbage rather than keeping it, or as V8 finds best. For tables of thousands of processes: with V8's own
 * growth their changes and samples held 250 MB, with this 155 MB, for a fortieth of a core more. Not otherwise: a heap
 * that grows, as at the start, would be collected many times in a row, which keys feel.
 *
 * V8 takes the growth into account at the end of a full collection only, and the one before has allowed the heap another
 * 60 MB: so one is asked for at once, as a task of its own.
 */
export function keepHeapSmall(on: boolean): void {
  if (on !== isOn) {
    isOn = on;
    setFlagsFromString(`--heap-growing-percent=${on ? GROWTH_PERCENT : 0}`);
    if (on) {
      collect();
    }
  }
}

/** Node.js offers it to whoever asks V8 for it. */
function collect(): void {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as (options: { type: "major"; execution: "async" }) => Promise<void>;
  void gc({ type: "major", execution: "async" });
}
