import { ExitCode } from "../../common/exit-codes.ts";
import type { ConnectionEvent, OutputStart, OutputStream, ProcessInfo, StreamOptions } from "../../sdk/index.ts";
import { choice, moment, wholeNumber } from "../arguments/values.ts";
import { type Caller, endsCommand } from "../caller.ts";
import { defineCommand, flag, type OptionValues, repeated, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { exitCodeOf, formatError } from "../errors.ts";
import { painter, type Style } from "../output/color.ts";
import { displayName } from "../output/format.ts";
import { LineFormatter } from "../output/line-formatter.ts";
import { UsageError } from "../usage-error.ts";

const options = {
  follow: flag("Go on with what comes, over restarts of the process and of the daemon", "f"),
  lines: single("LINES", wholeNumber(0), "Only the last lines", { short: "n", complete: "none" }),
  timestamps: flag("Begin each line with its time", "t"),
  since: single("TIME", moment, "Only from then on: 2026-01-31T12:00:00Z, or 10m for ten minutes ago", {
    complete: "none",
  }),
  stream: repeated("STREAM", choice("stdout", "stderr"), "Only stdout or only stderr", {
    complete: ["stdout", "stderr"],
  }),
  run: single("NUMBER", wholeNumber(1), "Of this run: the current one or the one before", { complete: "none" }),
} as const;

type LogsOptions = OptionValues<typeof options>;

const prefixStyles: readonly Style[] = ["cyan", "yellow", "green", "magenta", "blue", "red"];

export const command = defineCommand({
  summary: "Show the output of processes",
  description:
    "Of one process: its bytes, exactly as it wrote them, stdout and stderr in the order in which they came. Of\n" +
    "several: lines with the name in front. Output that was let go for the output limit is reported on standard\n" +
    "error. Ctrl-C ends the showing, never the process.",
  options,
  operands: { usage: "ID...", min: 1, complete: "process" },
  exitCodes: [["130", "ended by Ctrl-C, as a shell sees it"]],
  examples: [
    ["pm logs -f -n 100 api", "the last lines, and what comes"],
    ["pm logs api | sha256sum", "the bytes are exact"],
  ],
  async run({ options: given, operands, globals, caller }) {
    if (given.lines !== undefined && given.since !== undefined) {
      throw new UsageError("give either --lines or --since");
    }
    if (given.follow) {
      // It outlives the daemon, and ends by a signal.
      caller.ownProcess();
    }
    const { call, manager } = await openConnection(caller, globals, { onConnection: connectionNotes(caller) });
    const targets = [...new Set(operands)];
    const several = targets.length > 1;
    let worst: number = ExitCode.ok;
    const report = (error: unknown): undefined => {
      if (endsCommand(error)) {
        throw error;
      }
      caller.note(formatError(error, globals.debug));
      worst = Math.max(worst, exitCodeOf(error));
      return undefined;
    };
    const infos = await Promise.all(
      targets.map((ref) =>
        call(() => manager.processes.resolve(ref).then((id) => manager.processes.get(id))).catch(report),
      ),
    );
    const found = infos.filter((info) => info !== undefined);
    const width = Math.max(0, ...found.map((info) => label(info).length));
    const paint = painter(caller, globals);
    const lock = new Lock();
    await Promise.all(
      found.map((info, index) => {
        const style = prefixStyles[index % prefixStyles.length] ?? "cyan";
        const prefix = several ? `${paint(style, `${label(info).padEnd(width)} |`)} ` : "";
        const formatter =
          several || given.timestamps ? new LineFormatter({ prefix, timestamps: given.timestamps }) : undefined;
        const stream = manager.processes.stream(info.id, streamOptions(given));
        return show(caller, stream, several ? label(info) : undefined, formatter, lock).catch(report);
      }),
    );
    return worst;
  },
});

/** A name, else what a table shows of an id. */
function label(info: ProcessInfo): string {
  return info.name === undefined ? info.id.slice(0, 8) : displayName(info);
}

function streamOptions(given: LogsOptions): StreamOptions {
  const start: OutputStart | undefined =
    given.lines !== undefined
      ? { tailLines: given.lines }
      : given.since !== undefined
        ? { since: given.since }
        : undefined;
  return {
    follow: given.follow,
    followRestarts: given.follow && given.run === undefined,
    // A terminal's output is one stream; whoever asks for stdout means it.
    ...(given.stream.length === 0
      ? {}
      : { streams: given.stream.includes("stdout") ? [...given.stream, "tty"] : given.stream }),
    ...(start === undefined ? {} : { start }),
    ...(given.run === undefined ? {} : { run: given.run }),
  };
}

async function show(
  caller: Caller,
  stream: OutputStream,
  name: string | undefined,
  formatter: LineFormatter | undefined,
  lock: Lock,
): Promise<void> {
  const write = (data: Uint8Array): Promise<void> => lock.hold(() => caller.writeOutput(data));
  for await (const frame of stream) {
    switch (frame.type) {
      case "chunk":
        await write(formatter === undefined ? frame.data : formatter.lines(frame));
        break;
      case "gap":
        caller.note(
          `pm: ${name === undefined ? "" : `${name}: `}${frame.to - frame.from} bytes of output are no longer kept (offset ${frame.from} to ${frame.to})\n`,
        );
        break;
      case "end":
        if (formatter !== undefined) {
          await write(formatter.rest());
        }
        break;
    }
  }
}

/** Says once that the connection is lost, and once that it is back, however many streams tell. */
function connectionNotes(caller: Caller): (event: ConnectionEvent) => void {
  let lost = false;
  return ({ type }) => {
    if ((type === "disconnected") !== lost) {
      lost = !lost;
      caller.note(lost ? "pm: the connection to the daemon is lost; waiting for it\n" : "pm: the daemon is back\n");
    }
  };
}

/** One writer at a time, so that the lines of several processes stay whole. */
class Lock {
  #last: Promise<void> = Promise.resolve();

  hold(action: () => Promise<void>): Promise<void> {
    const result = this.#last.then(action);
    this.#last = result.catch(() => {});
    return result;
  }
}
