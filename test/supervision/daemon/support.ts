/** The real daemon, with what tests of supervision ask of it. */
import { onTestFinished, vi } from "vitest";
import { type ProcessInfo, ProcessManager, type SpecOptions } from "../../../src/sdk/index.ts";
import { startDaemon, type TestDaemon } from "../../support/daemon.ts";

/** A limit that only a hang reaches. */
const limitMs = 50_000;

vi.setConfig({ testTimeout: 60_000 });

export interface Place {
  readonly daemon: TestDaemon;
  readonly pm: ProcessManager;
  /** Starts `sh -c script`. */
  sh(name: string, script: string, policy?: Partial<SpecOptions>): Promise<ProcessInfo>;
  /** Resolves with the process once it fits. */
  until(ref: string, fits: (info: ProcessInfo) => boolean): Promise<ProcessInfo>;
  /** Resolves with the output of the current run once it has the text. */
  untilOutput(ref: string, text: string): Promise<string>;
}

export async function useDaemon(): Promise<Place> {
  const daemon = await startDaemon();
  const pm = await ProcessManager.connect({ socket: daemon.socketPath });
  onTestFinished(() => pm.close());
  return {
    daemon,
    pm,
    async sh(name, script, policy = {}) {
      const { info } = await pm.processes.start({ name, executable: "sh", args: ["-c", script], ...policy });
      return info;
    },
    async until(ref, fits) {
      const { id } = await pm.processes.get(ref);
      for await (const event of pm.processes.watch({ filter: { ids: [id] }, timeoutMs: limitMs })) {
        if ((event.type === "added" || event.type === "modified") && fits(event.process)) {
          return event.process;
        }
      }
      throw new Error("unreachable: a watch does not end by itself");
    },
    async untilOutput(ref, text) {
      let read = "";
      const stream = pm.processes.stream(ref, { follow: true, followRestarts: true, timeoutMs: limitMs });
      for await (const bytes of stream.bytes()) {
        read += Buffer.from(bytes).toString();
        if (read.includes(text)) {
          break;
        }
      }
      return read;
    },
  };
}

/** Soon, and always after the same time. */
export const atOnce = { initialMs: 100, maxMs: 100, jitter: 0 };
/** So late that a test sees it waiting. */
export const late = { initialMs: 3_600_000, maxMs: 3_600_000, jitter: 0 };
