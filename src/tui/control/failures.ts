import type { ProcessManager } from "../../sdk/manager.ts";
import type { ProcessInfo } from "../../sdk/types.ts";
import { failureText } from "../state/table/failures.ts";
import { processLabel } from "../state/table/selection.ts";
import { plainText } from "../terminal/styled-line.ts";

/** Of more than these that fail together each has no toast of its own. */
const TOGETHER = 3;
/** Lines and bytes that are read to find the last one with something in it, and characters of it that are shown. */
const LINES = 5;
const BYTES = 16 << 10;
const CHARACTERS = 200;
const TIMEOUT_MS = 2000;

/** Something that failed, in a sentence; `key`: what takes its place. */
export interface FailureNotice {
  readonly key: string;
  readonly text: string;
}

/** What to say of processes that have failed: each with the last line that it wrote to standard error, or how many. */
export async function failureNotices(
  manager: ProcessManager,
  processes: readonly ProcessInfo[],
): Promise<readonly FailureNotice[]> {
  if (processes.length > TOGETHER) {
    const names = processes.slice(0, TOGETHER).map((process) => plainText(processLabel(process)));
    const text = `${processes.length} processes have failed: ${names.join(", ")}, … · ! goes there`;
    return [{ key: "failures", text }];
  }
  return await Promise.all(
    processes.map(async (process) => {
      const last = await lastErrorLine(manager, process);
      const what = `${plainText(processLabel(process))} ${failureText(process)}`;
      return { key: `failure ${process.id}`, text: last === "" ? what : `${what} · ${last}` };
    }),
  );
}

/**
 * The last line with something in it; of a process on a terminal, whatever it
 * wrote. Its end is waited for, which may come after the process's: what is left
 * in its pipes is still read, and a child may hold them. "" if there is none.
 */
async function lastErrorLine(manager: ProcessManager, process: ProcessInfo): Promise<string> {
  const { run } = process;
  if (process.state === "failed" || !run) {
    return "";
  }
  let text = "";
  try {
    const stream = manager.processes.stream(process.id, {
      run: run.number,
      follow: true,
      start: { tailLines: LINES },
      streams: [process.spec.terminal ? "tty" : "stderr"],
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    for await (const frame of stream) {
      if (frame.type === "chunk") {
        text = (text + Buffer.from(frame.data).toString("latin1")).slice(-BYTES);
      }
    }
  } catch {
    // That it has failed is said all the same, with what has come.
  }
  const lines = Buffer.from(text, "latin1").toString("utf8").split("\n");
  const last = lines.map((line) => plainText(line).trim()).findLast((line) => line !== "");
  return last?.slice(0, CHARACTERS) ?? "";
}
