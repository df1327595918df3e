/** The options of `pm start` that supervision reads. */
import type { PolicyOptions, RestartPolicy, Timing } from "../sdk/index.ts";
import { duration, moment } from "./arguments/values.ts";
import type { Caller } from "./caller.ts";
import { type OptionValues, single, text } from "./command.ts";
import { UsageError } from "./usage-error.ts";

export const policyOptions = {
  restart: single(
    "POLICY",
    restartPolicy,
    "When to restart it: no (default), on-failure[:N], unless-stopped or always",
    {
      complete: ["no", "on-failure", "unless-stopped", "always"],
    },
  ),
  queue: text("QUEUE", "Start it through this queue; see 'pm queue'", { short: "q", complete: "none" }),
  "max-run": single("DURATION", duration, "Stop a run that takes longer than this", { complete: "none" }),
} as const;

/** Options of the commands that may start later. */
export const delayOptions = {
  in: single("DURATION", duration, "Start it this long from now", { complete: "none" }),
  at: single("TIME", momentToCome, "Start it at this time: 2026-01-31T12:00:00Z", { complete: "none" }),
} as const;

export function policyOf(options: OptionValues<typeof policyOptions>): PolicyOptions {
  return {
    ...(options.restart !== undefined && { restart: options.restart }),
    ...(options.queue !== undefined && { queue: options.queue }),
    ...(options["max-run"] !== undefined && { maxRunMs: options["max-run"] }),
  };
}

/** As `moment`, but a duration would mean the past. */
export function momentToCome(value: string, caller: Caller): Date {
  if (/^\d+(\.\d+)?[a-z]/.test(value)) {
    throw new UsageError(`"${value}" is not a time to come`, `--in ${value} is this long after now`);
  }
  try {
    return moment(value, caller);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(error.message, "a time is like 2026-01-31T12:00:00Z") : error;
  }
}

/** Undefined: now. */
export function delayOf(options: OptionValues<typeof delayOptions>): Timing | undefined {
  if (options.in !== undefined && options.at !== undefined) {
    throw new UsageError("give either --in or --at, not both");
  }
  if (options.in !== undefined) {
    return { kind: "in", ms: options.in };
  }
  return options.at === undefined ? undefined : { kind: "at", time: options.at };
}

/** "on-failure:5" gives up after five attempts. */
function restartPolicy(value: string): RestartPolicy {
  const [, word = "", attempts] = /^([a-z-]+)(?::(\d{1,4}))?$/.exec(value) ?? [];
  const mode = { no: "no", "on-failure": "onFailure", "unless-stopped": "unlessStopped", always: "always" }[word];
  if (mode === undefined || (attempts !== undefined && word !== "on-failure")) {
    throw new UsageError(
      `"${value}" is not a restart policy`,
      "it is one of no, on-failure, on-failure:5, unless-stopped and always",
    );
  }
  return {
    mode: mode as RestartPolicy["mode"],
    ...(attempts !== undefined && { maxAttempts: Number(attempts) }),
  };
}
