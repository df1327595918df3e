import { escapeText } from "../../common/escape.ts";
import { ExitCode } from "../../common/exit-codes.ts";
import {
  type ExitStatus,
  PmError,
  type ProcessInfo,
  type ProcessManager,
  type StreamOptions,
} from "../../sdk/index.ts";
import { TAIL_LINES } from "../../terminal/tail.ts";
import { wholeNumber } from "../arguments/values.ts";
import type { Caller } from "../caller.ts";
import { defineCommand, flag, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { formatError } from "../errors.ts";
import { exitCodeOfRun, shellExitCode } from "../exit-status.ts";
import { followHeld } from "../held-output.ts";
import { ProcessInput } from "../input.ts";
import { displayName } from "../output/format.ts";

export const command = defineCommand({
  summary: "Attach the terminal to a process",
  description:
    "A process started with --tty gets every key, in a terminal of the size of yours; one started with --stdin gets lines;\n" +
    "of any other only the output is shown. Ctrl-] detaches, and the process keeps running. Without a terminal, standard\n" +
    "input is passed on as it is; when it ends, that of the process stays open.",
  options: {
    lines: single("LINES", wholeNumber(0), `Show this many lines of earlier output first (default: ${TAIL_LINES})`, {
      short: "n",
      complete: "none",
    }),
    "no-stdin": flag("Show output only; send no input"),
  },
  operands: { usage: "ID", min: 1, max: 1, complete: "process" },
  exitCodes: [
    ["0", "detached with Ctrl-]"],
    ["125", "pm failed, or could not write all of the output"],
    ["127", "there is no such process"],
    ["0-255", "the process ended: its exit code, or 128 plus the number of the signal that ended it"],
  ],
  examples: [
    ["pm start -n shell --tty -- bash; pm attach shell", "a shell to come back to"],
    ["pm attach --no-stdin -n 20 api", "watch it until it ends"],
  ],
  exitCodeOf: (error) =>
    error instanceof PmError && error.reason === "PROCESS_NOT_FOUND" ? ExitCode.commandNotFound : ExitCode.runFailed,
  async run({ options, operands: [ref = ""], globals, caller }) {
    const own = caller.ownProcess();
    const { manager } = await openConnection(caller, globals);
    const info = await manager.processes.resolve(ref).then((id) => manager.processes.get(id));
    const lines = options.lines ?? TAIL_LINES;
    if (!options["no-stdin"] && caller.terminal.stdin && caller.terminal.stdout) {
      return attachTerminal(caller, manager, info, lines);
    }
    if (!options["no-stdin"] && (info.spec.stdin === "pipe" || info.spec.terminal)) {
      passInput(own, manager, info).catch((error: unknown) => caller.note(formatError(error, globals.debug)));
    }
    return passOutput(caller, manager, info, lines);
  },
});

async function attachTerminal(
  caller: Caller,
  manager: ProcessManager,
  info: ProcessInfo,
  lines: number,
): Promise<number> {
  const { attachStandardTerminal } = await import("../../terminal/standard-terminal.ts");
  const name = escapeText(displayName(info));
  const end = await attachStandardTerminal(manager, info, { lines, name, leaving: "detaches, it keeps running" });
  if (end.reason === "ended") {
    return exitCode(caller, manager, info, end.exit);
  }
  caller.note(`\npm: detached from ${name}; it keeps running\n`);
  return ExitCode.ok;
}

async function passInput(own: NodeJS.Process, manager: ProcessManager, { id }: ProcessInfo): Promise<void> {
  const input = new ProcessInput((data, options) => manager.processes.write(id, data, options));
  for await (const chunk of own.stdin) {
    await input.write(chunk);
  }
}

async function passOutput(caller: Caller, manager: ProcessManager, info: ProcessInfo, lines: number): Promise<number> {
  let exit: ExitStatus | undefined;
  let missing = 0;
  const run = info.run === undefined ? {} : { run: info.run.number };
  const stream = (options: StreamOptions) => manager.processes.stream(info.id, options);
  for await (const frame of followHeld(stream, info, { ...run, start: { tailLines: lines } })) {
    if (frame.type === "chunk") {
      await caller.writeOutput(frame.data);
    } else if (frame.type === "gap") {
      missing += frame.to - frame.from;
      caller.note(`pm: ${frame.to - frame.from} bytes of output are missing here\n`);
    } else if (frame.type === "end") {
      exit = frame.exit;
    }
  }
  if (missing > 0) {
    caller.note(`pm: the output is not complete: ${missing} bytes were dropped by the output limit\n`);
    return ExitCode.runFailed;
  }
  return exitCode(caller, manager, info, exit);
}

/** As the run ended; if nobody knows how, says so. */
async function exitCode(
  caller: Caller,
  manager: ProcessManager,
  info: ProcessInfo,
  exit: ExitStatus | undefined,
): Promise<number> {
  return exit ? shellExitCode(exit) : exitCodeOfRun(caller, info, (await manager.processes.get(info.id)).run);
}
