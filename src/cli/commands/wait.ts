import { ExitCode } from "../../common/exit-codes.ts";
import { formatTimeLimit } from "../../common/quantities.ts";
import {
  PmError,
  type ProcessInfo,
  type ProcessManager,
  type RunInfo,
  toContractJson,
  type WaitOptions,
  type WaitResult,
} from "../../sdk/index.ts";
import { choice, duration } from "../arguments/values.ts";
import { asTyped, errorJson, resultFormats } from "../bulk.ts";
import { type Caller, endsCommand } from "../caller.ts";
import { defineCommand, flag, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { CommandError, formatError } from "../errors.ts";
import { exitCodeOfRun } from "../exit-status.ts";
import { displayName, jsonLine, outputOption, prettyJson } from "../output/format.ts";
import { exitText } from "../output/process-table.ts";
import {
  filtersOf,
  onlyReference,
  type ProcessSelection,
  resolveEach,
  selectionHelp,
  selectionOf,
  selectionOperands,
  selectionOptions,
} from "../selection.ts";
import { UsageError } from "../usage-error.ts";
import { isStateCondition, stateConditions, waitForState } from "../wait-state.ts";

const conditions = { exit: "exited", output: "outputComplete", tree: "treeGone" } as const;

const unmet = {
  exit: "did not end",
  output: "did not complete its output",
  tree: "did not end with everything that it started",
  ready: "was not ready",
  healthy: "was not healthy",
  stopped: "did not stop",
} as const;

/** One process that is waited for. */
interface Target {
  readonly ref: string;
  readonly label: string;
}

interface Ended {
  readonly label: string;
  readonly process: ProcessInfo;
  readonly run: RunInfo | undefined;
}

export const command = defineCommand({
  summary: "Wait for processes to end, and exit with their exit code",
  description:
    'With several processes it waits for all of them and prints a line "ID EXIT" as each ends; the exit code is that of the\n' +
    `last one named whose code is not 0. With --any, it waits only for the first to end.\n\n${selectionHelp}`,
  options: {
    timeout: single("DURATION", duration, "Give up after this long (default: never)", { short: "t", complete: "none" }),
    for: single(
      "WHAT",
      choice("exit", "output", "tree", ...stateConditions),
      "Wait for: exit of the main process (default), output: exit and complete output, tree: end of everything it started, ready, healthy, stopped: ended and not to be restarted",
      { complete: ["exit", "output", "tree", ...stateConditions] },
    ),
    any: flag("Wait for any one of them"),
    ...selectionOptions,
    all: flag("Wait for all of them (default); without an ID, all processes"),
    output: outputOption(...resultFormats),
  },
  operands: selectionOperands,
  exitCodes: [
    ["0-255", "the exit code of the process, or 128 plus the number of the signal that ended it"],
    ["125", "pm failed, or --timeout has passed"],
    ["127", "there is no such process"],
  ],
  examples: [
    ["pm wait -t 10m --for output build", "until it has ended and all its output is there"],
    ["pm wait --any web api", "until one of them has ended"],
    ["pm wait -l app=jobs", "all with a label"],
    ["pm wait -t 30 --for ready api", "until it is ready to serve"],
  ],
  exitCodeOf,
  async run({ options, operands, globals, caller }) {
    if (options.any && options.all && operands.length > 0) {
      throw new UsageError("give either --any or --all, not both");
    }
    const selection = selectionOf(operands, { ...options, all: options.all && operands.length === 0 });
    const only = onlyReference(selection);
    if (only === undefined) {
      // It outlives the daemon, also after the first line.
      caller.ownProcess();
    }
    const { manager } = await openConnection(caller, globals);
    const format = options.output ?? "text";
    const objects: object[] = [];
    const tell = ({ label, process, run }: Ended): void => {
      switch (format) {
        case "text":
          if (only === undefined) {
            caller.print(`${label} ${exitText(run) ?? "-"}\n`);
          }
          break;
        case "name":
          caller.print(`${displayName(process)}\n`);
          break;
        case "jsonl":
          caller.print(jsonLine(toContractJson(process)));
          break;
        case "json":
          objects.push(toContractJson(process));
      }
    };
    // One that is as it was waited for is no failure, however it ended.
    const codeOf = (ended: Ended): number =>
      isStateCondition(options.for) ? ExitCode.ok : exitCodeOfRun(caller, ended.process, ended.run);
    const over = new AbortController();
    const begun = performance.now();
    const wait = async ({ ref, label }: Target): Promise<Ended> => {
      const left =
        options.timeout === undefined ? {} : { timeoutMs: Math.max(options.timeout - (performance.now() - begun), 1) };
      const condition = options.for ?? "exit";
      const waiting = isStateCondition(condition)
        ? waitForState(manager, ref, condition, { signal: over.signal, ...left }).then((process) => ({
            process,
            run: process.run,
          }))
        : only === undefined
          ? manager.processes.wait(ref, { until: conditions[condition], signal: over.signal, ...left })
          : waitForRun(manager, ref, caller, { until: conditions[condition], ...left });
      const result = await waiting.catch((error: unknown) => {
        throw timeoutError(error, label, options) ?? asTyped(error, label);
      });
      return { label, ...result, run: result.run };
    };
    const report = (error: unknown): number => {
      if (endsCommand(error)) {
        throw error;
      }
      caller.note(formatError(error, globals.debug));
      const told = toldBy(error);
      if (told instanceof PmError && format === "json") {
        objects.push({ error: errorJson(told) });
      } else if (told instanceof PmError && format === "jsonl") {
        caller.print(jsonLine({ error: errorJson(told) }));
      }
      return exitCodeOf(error);
    };
    let code: number;
    if (only !== undefined) {
      const ref = caller.remembered === undefined ? await manager.processes.resolve(only) : only;
      const ended = await wait({ ref, label: only });
      tell(ended);
      code = codeOf(ended);
    } else {
      const { targets, failed } = await targetsOf(manager, selection, report);
      if (options.any) {
        code = failed || (await waitForAny(targets, wait, tell, codeOf, over));
      } else {
        const codes = await Promise.all(
          targets.map(async (target) => {
            try {
              const ended = await wait(target);
              tell(ended);
              return codeOf(ended);
            } catch (error) {
              return report(error);
            }
          }),
        );
        code = [failed, ...codes].findLast((one) => one !== 0) ?? ExitCode.ok;
      }
    }
    if (format === "json") {
      caller.print(prettyJson(only === undefined ? { processes: objects } : objects[0]));
    }
    return code;
  },
});

/** For the run that there was when the command began, also where it is broken off and run again. */
async function waitForRun(
  manager: ProcessManager,
  ref: string,
  caller: Caller,
  options: WaitOptions,
): Promise<WaitResult> {
  const [, id, number] = /^(\S+) (\d+)$/.exec(caller.remembered ?? "") ?? [];
  if (id !== undefined) {
    return manager.processes.wait(id, { ...options, run: Number(number) });
  }
  const { timeoutMs } = options;
  const begun = performance.now();
  const process = await manager.processes.handle(ref, timeoutMs === undefined ? {} : { timeoutMs });
  if (process.info.run !== undefined) {
    caller.remember(`${process.id} ${process.info.run.number}`);
  }
  const left = timeoutMs === undefined ? {} : { timeoutMs: Math.max(timeoutMs - (performance.now() - begun), 1) };
  return process.wait({ ...options, ...left });
}

async function waitForAny(
  targets: readonly Target[],
  wait: (target: Target) => Promise<Ended>,
  tell: (ended: Ended) => void,
  codeOf: (ended: Ended) => number,
  over: AbortController,
): Promise<number> {
  if (targets.length === 0) {
    return ExitCode.ok;
  }
  const ended = await Promise.any(targets.map(wait)).catch(({ errors }: AggregateError) => {
    throw errors[0];
  });
  over.abort();
  tell(ended);
  return codeOf(ended);
}

/** In the order in which they were named, then those of patterns and labels. */
async function targetsOf(
  manager: ProcessManager,
  selection: ProcessSelection,
  report: (error: unknown) => number,
): Promise<{ readonly targets: readonly Target[]; readonly failed: number }> {
  let failed: number = ExitCode.ok;
  const targets = new Map<string, Target>();
  const resolved = await resolveEach(manager, selection.refs);
  for (const [label, ref] of resolved) {
    if (typeof ref !== "string") {
      failed = report(ref);
    } else if (selection.selector === undefined) {
      targets.set(ref, { ref, label });
    }
  }
  const searches = selection.selector !== undefined || selection.patterns.length > 0 || selection.refs.length === 0;
  if (searches) {
    const refs =
      selection.selector === undefined ? [] : [...resolved.values()].filter((ref) => typeof ref === "string");
    for (const filter of filtersOf(selection, refs)) {
      for await (const info of manager.processes.list({ filter })) {
        if (!targets.has(info.id) && !(info.name !== undefined && targets.has(info.name))) {
          targets.set(info.id, { ref: info.id, label: displayName(info) });
        }
      }
    }
  }
  return { targets: [...targets.values()], failed };
}

/** 127 for an unknown process, as a shell's `wait`; whatever else goes wrong is pm's. */
function exitCodeOf(error: unknown): number {
  const told = toldBy(error);
  return told instanceof PmError && told.reason === "PROCESS_NOT_FOUND" ? ExitCode.commandNotFound : ExitCode.runFailed;
}

/** What the daemon said, whatever has been made of it for people. */
function toldBy(error: unknown): unknown {
  return error instanceof CommandError ? error.cause : error;
}

/** The time that was given is over, whoever noticed first: who was waited for, and for what. */
function timeoutError(
  error: unknown,
  label: string,
  {
    timeout,
    for: what = "exit",
  }: { readonly timeout: number | undefined; readonly for: keyof typeof unmet | undefined },
): CommandError | undefined {
  if (timeout === undefined || !(error instanceof PmError) || error.reason !== "TIMEOUT") {
    return undefined;
  }
  return new CommandError(`"${label}" ${unmet[what]} within ${formatTimeLimit(timeout)}`, {
    exitCode: ExitCode.runFailed,
    cause: error,
  });
}
