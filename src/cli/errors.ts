/** From an error to what a person reads and a script decides by. */

import { escapeText } from "../common/escape.ts";
import { ExitCode } from "../common/exit-codes.ts";
import { PmError, type PmErrorReason } from "../sdk/errors.ts";
import { UsageError } from "./usage-error.ts";

/** A failure that pm itself found, with the exit code that it means. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(message: string, options: { exitCode?: number; hint?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? ExitCode.failure;
    this.hint = options.hint;
  }
}

const exitCodes: Partial<Record<PmErrorReason, number>> = {
  INVALID_ARGUMENT: ExitCode.usage,
  INVALID_ID: ExitCode.usage,
  PROCESS_NOT_FOUND: ExitCode.notFound,
  RUN_NOT_FOUND: ExitCode.notFound,
  SCHEDULE_NOT_FOUND: ExitCode.notFound,
  QUEUE_NOT_FOUND: ExitCode.notFound,
  PROJECT_NOT_FOUND: ExitCode.notFound,
  DEPENDENCY_CYCLE: ExitCode.usage,
  SCHEDULE_EXISTS: ExitCode.conflict,
  QUEUE_NOT_EMPTY: ExitCode.conflict,
  SUPERSEDED: ExitCode.conflict,
  UNKNOWN_FIELD: ExitCode.usage,
  ALL_REQUIRED: ExitCode.usage,
  OFFSET_OUT_OF_RANGE: ExitCode.usage,
  CONDITION_FAILED: ExitCode.conflict,
  PROCESS_AMBIGUOUS: ExitCode.conflict,
  PROCESS_EXISTS: ExitCode.conflict,
  NAME_IN_USE: ExitCode.conflict,
  NOT_RUNNING: ExitCode.conflict,
  STILL_RUNNING: ExitCode.conflict,
  INPUT_CLOSED: ExitCode.conflict,
  SUPERVISOR_LOST: ExitCode.conflict,
  SUPERVISOR_UNRESPONSIVE: ExitCode.conflict,
  OUTPUT_HELD: ExitCode.conflict,
  HOLD_REFUSED: ExitCode.conflict,
  REQUEST_ID_REUSED: ExitCode.conflict,
  SHUTTING_DOWN: ExitCode.unreachable,
  UNREACHABLE: ExitCode.unreachable,
  DISCONNECTED: ExitCode.unreachable,
  TLS_SERVER_UNTRUSTED: ExitCode.unreachable,
  TLS_CLIENT_REJECTED: ExitCode.unreachable,
  TLS_FAILED: ExitCode.unreachable,
  TIMEOUT: ExitCode.timeout,
  DEADLINE_EXCEEDED: ExitCode.timeout,
};

/** The exit code that an error means. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) {
    return ExitCode.usage;
  }
  if (error instanceof CommandError) {
    return error.exitCode;
  }
  return error instanceof PmError ? (exitCodes[error.reason] ?? ExitCode.failure) : ExitCode.failure;
}

/** "pm: …" and, if there is something to do about it, "hint: …", each with its newline. */
export function formatError(error: unknown, debug: boolean): string {
  const text = error instanceof Error ? systemErrorText(error) : String(error);
  const message = error instanceof PmError && namingFields.has(error.reason) ? withFlags(text) : text;
  const lines = [`pm: ${escapeText(message)}`];
  const hint = hintOf(error);
  if (hint !== undefined) {
    lines.push(`hint: ${escapeText(hint)}`);
  }
  if (debug) {
    lines.push(...stacks(error));
  }
  return `${lines.join("\n")}\n`;
}

function hintOf(error: unknown): string | undefined {
  if (error instanceof PmError && error.reason === "TIMEOUT" && error.hint === undefined) {
    // What somebody gave time for themselves is a failure of the command's own.
    return "the daemon does not respond: 'pm daemon restart' replaces it, processes keep running; 'pm daemon logs' shows its log";
  }
  return error instanceof PmError || error instanceof CommandError || error instanceof UsageError
    ? error.hint
    : undefined;
}

/** Of a system error what people read: "cannot open /etc/x: permission denied (EACCES)". */
function systemErrorText({ message, cause }: Error): string {
  const [, code, text, call, path] = /^([A-Z][A-Z0-9]+): (.+), (\w+) '(.*)'$/s.exec(message) ?? [];
  return cause === undefined && path !== undefined
    ? `cannot ${verbs[call ?? ""] ?? call} ${path}: ${text} (${code})`
    : message;
}

const verbs: Readonly<Record<string, string>> = { mkdir: "make", scandir: "list", lstat: "look at", stat: "look at" };

/** Reasons whose messages name fields of the request. */
const namingFields: ReadonlySet<PmErrorReason> = new Set<PmErrorReason>(["INVALID_ARGUMENT", "UNSUPPORTED_LIMIT"]);

/** What people typed, for the fields that the daemon knows it by. */
const flags: readonly (readonly [field: RegExp, flag: string])[] = [
  [/\bspec\.limits\.memory_bytes\b/g, "--memory"],
  [/\bspec\.limits\.cpu_millis\b/g, "--cpus"],
  [/\bspec\.limits\.processes\b/g, "--pids"],
  [/\bspec\.limits\.rlimits(\[\d+\](\.\w+)?)?/g, "--ulimit"],
  [/\bspec\.output\.limit_bytes\b/g, "--output-limit"],
  [/\bspec\.stop\.signal\b/g, "--stop-signal"],
  [/\bspec\.stop\.grace_period\b/g, "--stop-timeout"],
  [/\bspec\.terminal\b/g, "--tty"],
  [/\bspec\.stdin\b/g, "--stdin"],
  [/\bspec\.max_run_time\b/g, "--max-run"],
  [/\bspec\.queue\b/g, "--queue"],
  [/\bspec\.restart\b(\.\w+)?/g, "--restart"],
  [/\bschedule\.cron\b/g, "--cron"],
  [/\bschedule\.every\b/g, "--every"],
  [/\bschedule\.(in|delay)\b/g, "--in"],
  [/\bschedule\.at\b/g, "--at"],
  [/\bschedule\.time_zone\b/g, "--zone"],
  [/\bschedule\.name\b/g, "SCHEDULE"],
  [/\btemplate\.name\b/g, "--name"],
  [/\bspec\.umask\b/g, "--umask"],
  [/\bspec\.nice\b/g, "--nice"],
  [/\bspec\.cwd(_bytes)?\b/g, "--directory"],
  [/\bspec\.env(_bytes)?(\[[^\]]*\])?/g, "--env"],
  [/\bspec\.executable(_bytes)?\b/g, "COMMAND"],
  [/\bspec\.args(_bytes)?(\[\d+\])?/g, "ARG"],
  [/\bfilter\.label_selector\b/g, "--selector"],
  [/\bfilter\.name_patterns(\[\d+\])?/g, "ID"],
  [/^labels(\[[^\]]*\])?/g, "--label"],
  [/^grace_period\b/g, "--timeout"],
  [/^interval\b/g, "--interval"],
  [/^older_than\b/g, "--older-than"],
  [/^parallelism\b/g, "--parallel"],
  [/^position\b/g, "POSITION"],
  [/^process\.name\b/g, "ID"],
  [/^request_id\b/g, "--request-id"],
  [/^id\b/g, "--id"],
];

function withFlags(text: string): string {
  return flags.reduce((message, [field, flag]) => message.replace(field, flag), text);
}

function stacks(error: unknown): string[] {
  const lines: string[] = [];
  for (let next = error; next instanceof Error; next = next.cause) {
    lines.push(`${next === error ? "" : "caused by "}${next.stack ?? next.message}`);
  }
  return lines;
}
