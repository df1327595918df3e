/** A project in the foreground: all its output, and Ctrl-C that stops all of it. */

import { escapeText } from "../../common/escape.ts";
import { ExitCode } from "../../common/exit-codes.ts";
import type { OutputMember, OutputsFrame, ProcessInfo, ProcessManager } from "../../sdk/index.ts";
import type { Caller } from "../caller.ts";
import type { Paint, Style } from "../output/color.ts";
import { ColorKeeper, LineSplitter, type OutputLine } from "../output/line-formatter.ts";
import { tellProgress } from "./apply.ts";
import { nameOf, type ProjectOutcome, progressOf, projectOutcome } from "./outcome.ts";

const styles: readonly Style[] = ["cyan", "yellow", "green", "magenta", "blue", "red"];
const signals = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
/** Wide enough for most names, so that the prefixes of later ones stand below the first. */
const prefixWidth = 10;

/** Set by the daemon on every process of a project. */
export const projectLabel = "pm/project";

export interface ProjectForeground {
  /**
   * Resolves with the exit code when every process of the project has ended and is not to run again, or cannot begin,
   * or when all were stopped by a signal. Says on standard error how each run ends.
   *
   * @param code What it is unless something failed.
   */
  follow(manager: ProcessManager, code: number): Promise<number>;
}

/** Takes the signals from now on, so that none is lost while the project starts. */
export function followProject(
  caller: Caller,
  { name, paint }: { readonly name: string; readonly paint: Paint },
): ProjectForeground {
  const own = caller.ownProcess();
  let manager: ProcessManager | undefined;
  let ended: number | undefined;
  let asked = 0;
  const stopped = Promise.withResolvers<void>();

  const stop = async (force: boolean): Promise<void> => {
    if (manager === undefined) {
      return;
    }
    caller.note(force ? "\npm: killing\n" : "\npm: stopping; once more to kill\n");
    await tellProgress(manager.projects.remove(name, force ? { graceMs: 0 } : {}), caller, {
      paint,
      say: caller.note,
      debug: false,
    });
  };
  for (const [signal, number] of Object.entries(signals)) {
    own.on(signal, () => {
      asked++;
      ended = ExitCode.signalBase + number;
      stop(asked > 1).then(stopped.resolve, (error: unknown) => {
        // A second request takes the place of the first.
        if (!isSuperseded(error)) {
          stopped.reject(error);
        }
      });
    });
  }

  return {
    async follow(connected, code) {
      manager = connected;
      if (asked > 0) {
        // It came while the project was being started.
        await stop(asked > 1);
        return ended ?? code;
      }
      const output = new ProjectOutput(caller, paint);
      const leaving = new AbortController();
      const filter = { selector: `${projectLabel}=${name}` };
      const frames = connected.processes.outputs(filter, { follow: true, signal: leaving.signal });
      const following = (async () => {
        for await (const frame of frames) {
          await output.write(frame);
        }
      })().catch((error: unknown) => {
        if (!leaving.signal.aborted) {
          throw error;
        }
      });
      let outcome: ProjectOutcome | undefined;
      const idle = untilOver(connected, name, leaving.signal, (info, text) => {
        // How they end once a signal has come is told as they are stopped.
        if (asked === 0) {
          caller.note(`pm: ${escapeText(nameOf(info))}: ${escapeText(text)}\n`);
        }
      }).then((found) => {
        outcome = found;
      });
      await Promise.race([idle, stopped.promise, following]);
      if (ended !== undefined) {
        await stopped.promise;
      }
      await Promise.race([output.idle(), following]);
      leaving.abort();
      await following;
      if (ended === undefined) {
        // Runs that began and ended before the stream knew of them.
        for await (const frame of connected.processes.outputs(filter, { cursors: frames.cursors() })) {
          await output.write(frame);
        }
      }
      await output.rest();
      if (ended === undefined && outcome !== undefined && outcome.failed.length > 0) {
        const failed = outcome.failed.map(({ name: process, why }) => escapeText(`${process} (${why})`));
        caller.note(`pm: failed: ${failed.join(", ")}\n`);
        return ExitCode.failure;
      }
      return ended ?? code;
    },
  };
}

function isSuperseded(error: unknown): boolean {
  return (
    error instanceof Error &&
    "reason" in error &&
    (error.reason === "SUPERSEDED" || error.reason === "PROJECT_NOT_FOUND")
  );
}

/**
 * Until nothing of the project runs, and nothing is going to. Undefined if the signal aborts.
 *
 * @param tell How a run has ended.
 */
async function untilOver(
  manager: ProcessManager,
  name: string,
  signal: AbortSignal,
  tell: (info: ProcessInfo, text: string) => void,
): Promise<ProjectOutcome | undefined> {
  const processes = new Map<string, ProcessInfo>();
  const told = new Map<string, string>();
  let known = false;
  try {
    for await (const event of manager.processes.watch({
      filter: { selector: `${projectLabel}=${name}` },
      signal,
    })) {
      switch (event.type) {
        case "reset":
          processes.clear();
          known = false;
          break;
        case "bookmark":
          known = true;
          break;
        case "removed":
          processes.delete(event.id);
          break;
        default: {
          const { process } = event;
          processes.set(process.id, process);
          const progress = progressOf(process, new Date());
          if (progress !== undefined && told.get(process.id) !== progress.key) {
            told.set(process.id, progress.key);
            tell(process, progress.text);
          }
        }
      }
      if (known) {
        const outcome = projectOutcome(processes.values());
        if (outcome.over) {
          return outcome;
        }
      }
    }
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
  }
  return undefined;
}

function runOf({ processId, run }: OutputMember): string {
  return `${processId}/${run}`;
}

/** Whole lines, each with the name of its process. */
class ProjectOutput {
  readonly #caller: Caller;
  readonly #paint: Paint;
  readonly #writers = new Map<string, LineWriter>();
  /** Runs whose output has not ended. */
  readonly #open = new Set<string>();
  #onIdle: (() => void) | undefined;

  constructor(caller: Caller, paint: Paint) {
    this.#caller = caller;
    this.#paint = paint;
  }

  async write(frame: OutputsFrame): Promise<void> {
    switch (frame.type) {
      case "chunk": {
        const { processId, processName } = frame.member;
        const writer = this.#writer(processId, processName ?? processId.slice(0, 8));
        await this.#caller.writeOutput(prefixed(writer, writer.splitter.lines(frame)));
        break;
      }
      case "gap":
        this.#caller.note(
          `pm: ${escapeText(frame.member.processName ?? frame.member.processId)}: ${frame.to - frame.from} bytes of output are no longer kept\n`,
        );
        break;
      case "memberOpened":
        this.#open.add(runOf(frame.member));
        break;
      case "memberEnd":
        this.#open.delete(runOf(frame.member));
        if (this.#open.size === 0) {
          this.#onIdle?.();
        }
        break;
      default:
        break;
    }
  }

  /** Resolves when the output of every run that was seen has ended. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      if (this.#open.size === 0) {
        resolve();
      }
    });
  }

  /** Lines without an end. */
  async rest(): Promise<void> {
    for (const writer of this.#writers.values()) {
      await this.#caller.writeOutput(prefixed(writer, writer.splitter.rest()));
    }
  }

  #writer(id: string, name: string): LineWriter {
    const known = this.#writers.get(id);
    if (known !== undefined) {
      return known;
    }
    const style = styles[this.#writers.size % styles.length] ?? "cyan";
    const prefix = Buffer.from(`${this.#paint(style, `${escapeText(name).padEnd(prefixWidth)} |`)} `);
    const made = { prefix, splitter: new LineSplitter(), colors: new ColorKeeper() };
    this.#writers.set(id, made);
    return made;
  }
}

/** What puts the lines of one process together. */
interface LineWriter {
  readonly prefix: Uint8Array;
  readonly splitter: LineSplitter;
  readonly colors: ColorKeeper;
}

const newline = Buffer.from("\n");

function prefixed({ prefix, colors }: LineWriter, lines: Iterable<OutputLine>): Uint8Array {
  return Buffer.concat([...lines].flatMap((line) => [prefix, colors.closed(line), newline]));
}
