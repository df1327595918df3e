import { ExitCode } from "../../../common/exit-codes.ts";
import { type Timing, toContractJson } from "../../../sdk/index.ts";
import { choice, duration } from "../../arguments/values.ts";
import { defineCommand, flag, single, text } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { outputOption } from "../../output/format.ts";
import { changeFormats, printChanged } from "../../output/results.ts";
import { momentToCome } from "../../policy-options.ts";
import { startOptions, startRequest } from "../../start-options.ts";
import { UsageError } from "../../usage-error.ts";

export const command = defineCommand({
  summary: "Add a schedule that starts a process at certain times",
  description:
    "Makes a process of COMMAND that waits for its times, or takes an existing one with --process. A schedule that has\n" +
    "this name already is replaced. The process gets the schedule's name, unless --name gives it another.",
  options: {
    cron: text("EXPRESSION", "Five fields, six with seconds, or @hourly, @daily, @weekly, @monthly, @yearly", {
      complete: "none",
    }),
    every: single("DURATION", duration, "Repeatedly, the first time this long after now", { complete: "none" }),
    at: single("TIME", momentToCome, "Once: 2026-01-31T12:00:00Z", { complete: "none" }),
    in: single("DURATION", duration, "Once, this long from now", { complete: "none" }),
    boot: flag("Each time the machine boots"),
    zone: text("ZONE", "Time zone of --cron, such as Europe/Berlin (default: the daemon's)", { complete: "none" }),
    overlap: single(
      "POLICY",
      choice("skip", "queue", "replace"),
      "If the previous run has not ended: skip (default), queue or replace",
      { complete: ["skip", "queue", "replace"] },
    ),
    "catch-up": single(
      "POLICY",
      choice("skip", "once", "all"),
      "For times missed while no daemon ran: skip (default), once or all",
      { complete: ["skip", "once", "all"] },
    ),
    process: text("ID", "Start this existing process instead of a COMMAND", { complete: "process" }),
    ...startOptions,
    output: outputOption(...changeFormats),
  },
  operands: { usage: "SCHEDULE [COMMAND [ARG...]]", min: 1, verbatim: true, complete: "command" },
  examples: [
    ["pm schedule add --cron '30 2 * * *' --zone Europe/Berlin nightly -- pg_dump -f /backup/shop shop", "each night"],
    ["pm schedule add --every 10m --process poll every-10m", "an existing process, every ten minutes"],
  ],
  async run({ options, operands: [name = "", ...rest], globals, caller }) {
    const commandLine = rest[0] === "--" ? rest.slice(1) : rest;
    const timing = timingOf(options);
    if ((options.process === undefined) === (commandLine.length === 0)) {
      throw new UsageError(
        options.process === undefined
          ? "there is nothing to start: give a COMMAND, or --process ID"
          : "give either --process or a COMMAND, not both",
      );
    }
    const connection = await openConnection(caller, globals);
    const { manager } = connection;
    const details = {
      timing,
      ...(options.zone !== undefined && { timeZone: options.zone }),
      ...(options.overlap !== undefined && { overlap: options.overlap }),
      ...(options["catch-up"] !== undefined && { catchUp: options["catch-up"] }),
    };
    if (options.process !== undefined) {
      const { process: ref } = options;
      const process = await manager.processes.resolve(ref);
      const { schedule } = await manager.schedules.set(name, { ...details, process });
      printChanged(caller, options.output, name, toContractJson(schedule));
      return ExitCode.ok;
    }
    const request = startRequest(options, commandLine, connection, caller);
    // Without an id of its own it has that of the schedule's name: the same again changes nothing.
    const { id, ...unnamed } = request;
    const template = { ...(options.id !== undefined && { id }), ...unnamed, name: request.name ?? name };
    const { schedule } = await manager.schedules.set(name, { ...details, template });
    printChanged(caller, options.output, name, toContractJson(schedule));
    return ExitCode.ok;
  },
});

export function timingOf(options: {
  readonly cron?: string | undefined;
  readonly every?: number | undefined;
  readonly at?: Date | undefined;
  readonly in?: number | undefined;
  readonly boot: boolean;
}): Timing {
  const given: Timing[] = [
    ...(options.cron === undefined ? [] : [{ kind: "cron" as const, expression: options.cron }]),
    ...(options.every === undefined ? [] : [{ kind: "every" as const, ms: options.every }]),
    ...(options.at === undefined ? [] : [{ kind: "at" as const, time: options.at }]),
    ...(options.in === undefined ? [] : [{ kind: "in" as const, ms: options.in }]),
    ...(options.boot ? [{ kind: "boot" as const }] : []),
  ];
  const [timing] = given;
  if (timing === undefined || given.length > 1) {
    throw new UsageError(
      timing === undefined
        ? "there is no time: give one of --cron, --every, --at, --in and --boot"
        : "give only one of --cron, --every, --at, --in and --boot",
    );
  }
  return timing;
}
