import { setImmediate } from "node:timers/promises";
import type { ProcessUsage, StatsOptions, UsageSample } from "../api/usage.ts";
import type { Core } from "../core.ts";
import { Notifier } from "../notifier.ts";
import { selected } from "../process/filter.ts";
import { TreeSampler } from "./tree-sampler.ts";

/** Processes sampled before others have their turn: some 5 ms. */
const SLICE = 512;
/** With more processes than this, orphans are looked for in every fifth sample only: that is a third of the cost. */
const MANY = 1000;
const ORPHAN_SAMPLES = 5;

/** A sample at once, then one after each interval for as long as the caller takes them. */
export async function* stats(
  core: Core,
  options: StatsOptions,
  signal: AbortSignal,
): AsyncGenerator<UsageSample, void, undefined> {
  core.checkOpen();
  const samplers = new Map<string, TreeSampler>();
  const woken = new Notifier();
  const closed = core.onClose(() => woken.notify());
  let before: number | null = null;
  try {
    for (let round = 0; ; round++) {
      const begun = performance.now();
      const usages = await sampleAll(core, options, samplers, round, signal);
      yield {
        time: BigInt(Date.now()) * 1_000_000n,
        intervalMs: before === null ? null : begun - before,
        usages,
      };
      before = begun;
      signal.throwIfAborted();
      await woken.wait(signal, Math.max(1, begun + options.intervalMs - performance.now()));
      core.checkOpen();
    }
  } finally {
    closed();
    for (const sampler of samplers.values()) sampler.close();
  }
}

async function sampleAll(
  core: Core,
  options: StatsOptions,
  samplers: Map<string, TreeSampler>,
  round: number,
  signal: AbortSignal,
): Promise<ProcessUsage[]> {
  const processes = selected(core.table, options.filter);
  const orphans = processes.length <= MANY || round % ORPHAN_SAMPLES === 0;
  const usages: ProcessUsage[] = [];
  const stale = new Set(samplers.keys());
  for (const [i, process] of processes.entries()) {
    if (i % SLICE === SLICE - 1) {
      await setImmediate();
      signal.throwIfAborted();
      core.checkOpen();
    }
    const run = process.current;
    const header = run.view?.header;
    if (header === undefined || !run.treeAlive || run.shimGone) continue;
    let sampler = samplers.get(process.id);
    if (sampler?.run !== run.number || sampler.shimPid !== run.shimPid) {
      sampler?.close();
      sampler = new TreeSampler(run.number, run.shimPid);
      samplers.set(process.id, sampler);
    }
    stale.delete(process.id);
    const main = run.ended ? 0 : header.childPid;
    const usage = sampler.sample(process.id, main, { io: options.io, members: options.members, orphans });
    if (usage !== null) usages.push(usage);
  }
  for (const id of stale) {
    samplers.get(id)?.close();
    samplers.delete(id);
  }
  return usages;
}
