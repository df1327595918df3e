/** Acting on the processes that a command selects: a result for each, and what a person sees of them. */
import { isName, isUuid } from "../common/contract-rules.ts";
import { ExitCode } from "../common/exit-codes.ts";
import {
  type BatchResult,
  PmError,
  type ProcessManager,
  type ProcessState,
  type Selection,
  toContractJson,
} from "../sdk/index.ts";
import { type Caller, endsCommand } from "./caller.ts";
import { CommandError, exitCodeOf, formatError } from "./errors.ts";
import { jsonLine, prettyJson } from "./output/format.ts";
import { Progress } from "./output/progress.ts";
import { changing, filtersOf, onlyReference, type ProcessSelection, resolveEach } from "./selection.ts";

/** `-o` of commands that act. */
export const resultFormats = ["text", "name", "json", "jsonl"] as const;

export type ResultFormat = (typeof resultFormats)[number];

/** What was done to one process, or why not. */
export interface ActionResult {
  readonly id: string;
  readonly name?: string | undefined;
  readonly error?: PmError | undefined;
}

export interface Action<Result extends ActionResult> {
  /** For a person who waits: "stopping". */
  readonly doing: string;
  readonly one: (ref: string, request: { readonly requestId?: string }) => Promise<Result>;
  readonly many: (selection: Selection, request: { readonly requestId?: string }) => AsyncIterable<Result>;
  /** States of those that labels, patterns or --all select; undefined: any. Named ones are acted upon in any state. */
  readonly states?: readonly ProcessState[];
  /** A line for standard output, without its newline; undefined if there is nothing to say. May ask the daemon. */
  readonly text: (result: Result, label: string) => string | undefined | Promise<string | undefined>;
  /** As the contract has it. */
  readonly json: (result: Result) => object;
  /** What a failure is told as; undefined: as the error says. */
  readonly failure?: (
    result: Result,
    label: string,
  ) => { readonly note: string; readonly exitCode: number } | undefined;
}

export interface BulkOptions {
  readonly caller: Caller;
  readonly manager: ProcessManager;
  readonly format: ResultFormat | undefined;
  readonly debug: boolean;
  /** @default one that the SDK makes up */
  readonly requestId?: string | undefined;
}

/**
 * Acts on each process that is selected. Each failure is told on standard error as it happens and stops none of the
 * others.
 *
 * @returns the greatest of the exit codes
 * @throws the error, where a single process was named
 */
export async function actOn<Result extends ActionResult>(
  selection: ProcessSelection,
  action: Action<Result>,
  { caller, manager, format = "text", debug, requestId }: BulkOptions,
): Promise<number> {
  const only = onlyReference(selection);
  const objects: object[] = [];
  const progress = new Progress(caller, action.doing);
  let worst: number = ExitCode.ok;
  const fail = (note: string, code: number): void => {
    progress.clear();
    caller.note(note);
    worst = Math.max(worst, code);
  };
  const tell = async (result: Result, label: string): Promise<void> => {
    const failure = action.failure?.(result, label);
    if (failure !== undefined) {
      fail(failure.note, failure.exitCode);
    } else if (result.error !== undefined) {
      fail(`pm: "${label}": ${formatError(result.error, debug).slice("pm: ".length)}`, exitCodeOf(result.error));
    }
    const failed = failure !== undefined || result.error !== undefined;
    if (format === "json") {
      objects.push(action.json(result));
    } else if (format === "jsonl") {
      progress.clear();
      caller.print(jsonLine(action.json(result)));
    } else if (!failed) {
      const line = format === "name" ? (result.name ?? result.id) : await action.text(result, label);
      if (line !== undefined) {
        progress.clear();
        caller.print(`${line}\n`);
      }
    }
  };

  try {
    if (only !== undefined) {
      const ref = await manager.processes.resolve(only);
      const result = await action
        .one(ref, requestId === undefined ? {} : { requestId })
        .catch((error: unknown) => Promise.reject(asTyped(error, only)));
      await tell(result, only);
    } else {
      await actOnMany(selection, action, manager, { progress, tell, fail, debug, requestId });
    }
  } finally {
    progress.end();
  }
  if (format === "json") {
    caller.print(prettyJson(only === undefined ? { results: objects } : objects[0]));
  }
  return worst;
}

async function actOnMany<Result extends ActionResult>(
  selection: ProcessSelection,
  { many, states }: Action<Result>,
  manager: ProcessManager,
  {
    progress,
    tell,
    fail,
    debug,
    requestId,
  }: {
    readonly progress: Progress;
    readonly tell: (result: Result, label: string) => Promise<void>;
    readonly fail: (note: string, code: number) => void;
    readonly debug: boolean;
    readonly requestId: string | undefined;
  },
): Promise<void> {
  const resolved = await resolveEach(manager, selection.refs);
  const typed = new Map<string, string>();
  for (const [ref, found] of resolved) {
    const error =
      typeof found !== "string" ? found : isUuid(found) || isName(found) ? undefined : await whyMissing(manager, found);
    if (typeof found === "string" && error === undefined) {
      typed.set(found, ref);
    } else {
      fail(formatError(error, debug), exitCodeOf(error));
    }
  }
  const missing = new Set(typed.keys());
  const filters = filtersOf(selection, [...typed.keys()], selection.refs.length === 0 ? states : undefined);
  progress.expect(async () => {
    const pages = await Promise.all(filters.map((filter) => manager.processes.listPage({ filter, pageSize: 1 })));
    return pages.reduce((sum, { totalSize }) => sum + totalSize, 0);
  });
  for (const [index, filter] of filters.entries()) {
    const request = requestId === undefined ? {} : { requestId: index === 0 ? requestId : `${requestId}.${index}` };
    for await (const result of many(changing(filter), request)) {
      const { id, name } = result;
      progress.done();
      missing.delete(id);
      if (name !== undefined) {
        missing.delete(name);
      }
      await tell(result, typed.get(id) ?? (name === undefined ? id : (typed.get(name) ?? name)));
    }
  }
  if (selection.selector === undefined) {
    for (const ref of missing) {
      const error = await whyMissing(manager, ref);
      if (error !== undefined) {
        fail(formatError(error, debug), exitCodeOf(error));
      }
    }
  }
}

/** The daemon knows similar names. */
async function whyMissing(manager: ProcessManager, ref: string): Promise<unknown> {
  try {
    await manager.processes.get(ref);
    return undefined; // It came meanwhile.
  } catch (error) {
    if (endsCommand(error)) {
      throw error;
    }
    return error;
  }
}

/** An error about a process speaks of it as it was typed. */
export function asTyped(error: unknown, typed: string): unknown {
  if (!(error instanceof PmError) || typed === "") {
    return error;
  }
  const id = error.metadata["id"] ?? "";
  const message = error.message.replace(`process ${id}`, () => `process "${typed}"`);
  return id === "" || typed === id || message === error.message
    ? error
    : new CommandError(message, { exitCode: exitCodeOf(error), hint: error.hint, cause: error });
}

/** With the name that `-o name` prints. */
export function named<Result extends BatchResult>(result: Result): Result & { readonly name: string | undefined } {
  return { ...result, name: result.process?.name };
}

/** A result as the contract has it. */
export function resultJson({ id, process, error }: BatchResult): object {
  return {
    process: process === undefined ? { id } : toContractJson(process),
    ...(error !== undefined && { error: errorJson(error) }),
  };
}

/** As JSON that stands beside a process. */
export function errorJson(error: PmError): object {
  return { reason: error.reason, message: error.message, metadata: error.metadata };
}
