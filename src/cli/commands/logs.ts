import { ExitCode } from "../../common/exit-codes.ts";
import type { OutputPlace } from "../../sdk/index.ts";
import { choice, moment, wholeNumber } from "../arguments/values.ts";
import { asTyped } from "../bulk.ts";
import { endsCommand } from "../caller.ts";
import { defineCommand, flag, optional, repeated, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { exitCodeOf, formatError } from "../errors.ts";
import { findProcesses } from "../find.ts";
import { painter } from "../output/color.ts";
import { outputOption } from "../output/format.ts";
import { type LogRequest, logFrames, outputOfOne } from "../output/log-frames.ts";
import { LogPrinter } from "../output/log-printer.ts";
import {
  filtersOf,
  onlyReference,
  resolveEach,
  selectionHelp,
  selectionOf,
  selectionOperands,
  selectionOptions,
} from "../selection.ts";
import { UsageError } from "../usage-error.ts";

const streamNames = ["stdout", "stderr", "tty"] as const;
const stampKinds = ["utc", "local", "relative"] as const;

export const command = defineCommand({
  summary: "Show the output of processes",
  description:
    "One process: its exact bytes, stdout and stderr in the order in which they were read. Several: whole lines in order\n" +
    "of time, each with the name of its process in front. Output dropped by the output limit is reported on standard\n" +
    "error. With -f, processes that match patterns or labels join in as they start; the output of a single run ends when\n" +
    `it is complete. Ctrl-C stops following; the process keeps running.\n\n${selectionHelp}`,
  options: {
    follow: flag("Follow the output, across restarts of the process and of the daemon", "f"),
    lines: single("LINES", wholeNumber(0), "Only the last lines of each process; with --grep, the last that match", {
      short: "n",
      complete: "none",
    }),
    since: single("TIME", moment, "Only output since 2026-01-31T12:00:00Z, or since 10m (ten minutes ago)", {
      complete: "none",
    }),
    until: single("TIME", moment, "Only output until this time", { complete: "none" }),
    offset: single("BYTES", wholeNumber(0), "Start at this byte of the run's output", { complete: "none" }),
    grep: single(
      "PATTERN",
      pattern,
      "Only lines that match this regular expression; with (?i) in front, ignoring case",
      {
        short: "g",
        complete: "none",
      },
    ),
    invert: flag("With --grep: only lines that do not match", "v"),
    stream: repeated("STREAM", streams, "Only stdout or only stderr", {
      complete: ["stdout", "stderr"],
    }),
    timestamps: optional(
      "KIND",
      choice(...stampKinds),
      "utc",
      "Prefix each line with its time: utc (default), local or relative",
      {
        short: "t",
        complete: stampKinds,
      },
    ),
    "no-prefix": flag("Several processes: no names in front of the lines"),
    run: single("NUMBER", wholeNumber(1), "Output of this run, the current one or an earlier one", {
      complete: "none",
    }),
    ...selectionOptions,
    output: outputOption("text", "jsonl"),
  },
  operands: selectionOperands,
  exitCodes: [["130", "ended by Ctrl-C"]],
  examples: [
    ["pm logs -f -n 100 api", "the last 100 lines, then follow"],
    ["pm logs api | sha256sum", "the bytes are exact"],
    ["pm logs --since 1h --grep 'ERROR|WARN' 'web-*'", "several, merged in order of time"],
    ["pm logs -o jsonl api | jq -r .line", "each line with its time, stream and offset"],
  ],
  async run({ options, operands, globals, caller }) {
    const selection = selectionOf(operands, options);
    const only = onlyReference(selection);
    if (options.invert && options.grep === undefined) {
      throw new UsageError("--invert needs --grep PATTERN");
    }
    if (options.offset !== undefined && options.lines !== undefined) {
      throw new UsageError("give either --offset or --lines, not both");
    }
    if (only === undefined && (options.offset !== undefined || options.run !== undefined)) {
      throw new UsageError("--offset and --run are for one process: name one ID");
    }
    if (options.follow || options.grep !== undefined || options.timestamps === "local") {
      // It outlives the daemon and ends by a signal; a pattern may take for ever; the time zone is one of a process.
      caller.ownProcess();
    }
    const { manager } = await openConnection(caller, globals, { follows: options.follow });
    let failed: number = ExitCode.ok;
    const request: LogRequest = {
      follow: options.follow,
      // A terminal's output is one stream; whoever asks for stdout means it.
      streams: options.stream.length === 0 ? undefined : withTerminal(options.stream.flat()),
      lines: options.lines,
      // The last lines that fit a pattern are found only by looking at all.
      countLines: options.grep !== undefined,
      since: options.since,
      until: options.until,
      offset: options.offset,
      run: options.run,
    };
    const printer = new LogPrinter(caller, {
      paint: painter(caller, globals),
      prefix: only === undefined && !options["no-prefix"],
      several: only === undefined,
      stamps: options.timestamps,
      keep: options.grep && { pattern: options.grep, invert: options.invert },
      json: options.output === "jsonl",
    });
    if (only !== undefined) {
      // Broken off, it shows what it showed, from where that began.
      const [id, run, offset] = caller.remembered?.split(" ") ?? [];
      const there = id !== undefined && {
        run: Number(run),
        offset: Number(offset),
        lines: undefined,
        since: undefined,
      };
      const place = { ...request, ...there };
      const onOpened = ({ processId, run, startOffset }: OutputPlace): void =>
        caller.remember(`${processId} ${run} ${startOffset}`);
      try {
        if (printer.isBytewise) {
          // Bytes alone need no name beside them: the daemon is asked once.
          const ref = id ?? (await manager.processes.resolve(only));
          await printer.copy(outputOfOne(manager, ref, { ...place, reuse: true }), onOpened);
        } else {
          const info =
            id === undefined
              ? (await findProcesses(manager, selection, caller, { debug: globals.debug })).found[0]
              : await manager.processes.get(id);
          const frames = logFrames(manager, info, undefined, { ...place, onOpened });
          await printer.show(frames, request.countLines ? options.lines : undefined);
        }
      } catch (error) {
        throw asTyped(error, only);
      }
      return ExitCode.ok;
    }
    const report = (error: unknown): void => {
      if (endsCommand(error)) {
        throw error;
      }
      caller.note(formatError(error, globals.debug));
      failed = Math.max(failed, exitCodeOf(error));
    };
    let refs: readonly string[] = [];
    if (selection.refs.length > 0) {
      refs = await checkedReferences(manager, selection.refs, report);
      if (refs.length === 0 && selection.patterns.length === 0) {
        return failed;
      }
      const listed = await manager.processes.listAll({ filter: filtersOf(selection, refs)[0] ?? {} });
      printer.expect(listed);
    } else {
      printer.expect(await manager.processes.listAll({ filter: filtersOf(selection, [])[0] ?? {} }));
    }
    for (const filter of filtersOf(selection, refs)) {
      await printer.show(
        logFrames(manager, undefined, filter, {
          ...request,
          untilIdle: selection.refs.length > 0 && selection.patterns.length === 0,
        }),
        request.countLines ? options.lines : undefined,
      );
    }
    return failed;
  },
});

/** References that mean a process; what does not is reported. By UUID: a name may mean another process tomorrow. */
async function checkedReferences(
  manager: Awaited<ReturnType<typeof openConnection>>["manager"],
  refs: readonly string[],
  report: (error: unknown) => void,
): Promise<string[]> {
  const resolved = await resolveEach(manager, refs);
  const ids = [...resolved.values()].map(async (ref) => {
    if (typeof ref !== "string") {
      report(ref);
      return undefined;
    }
    return manager.processes.get(ref).then(
      ({ id }) => id,
      (error: unknown) => {
        report(error);
        return undefined;
      },
    );
  });
  return (await Promise.all(ids)).filter((id) => id !== undefined);
}

function streams(text: string): readonly (typeof streamNames)[number][] {
  return text.split(",").map(choice(...streamNames));
}

function withTerminal(names: readonly (typeof streamNames)[number][]): readonly (typeof streamNames)[number][] {
  return [...new Set(names.includes("stdout") ? [...names, "tty" as const] : names)];
}

function pattern(text: string): RegExp {
  const [, insensitive, source = ""] = /^(\(\?i\))?([\s\S]*)$/.exec(text) ?? [];
  try {
    return new RegExp(source, insensitive === undefined ? "u" : "iu");
  } catch (error) {
    const why = (error as Error).message.replace(/^Invalid regular expression: \/.*\/[a-z]*: /s, "");
    throw new UsageError(`"${text}" is not a regular expression: ${why}`);
  }
}
