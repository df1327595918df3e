/** Structured logs on stderr, one JSON object a line. No request body and no environment is ever logged. */
import { type DestinationStream, destination, type Level, type Logger, pino, stdTimeFunctions } from "pino";

export type Log = Logger;
export type LogLevel = Level | "silent";

export const logLevels: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** What is held back while nobody reads stderr; beyond it lines are dropped. */
const maxBufferedBytes = 1024 * 1024;

export interface LogOutput {
  readonly log: Log;
  /** Writes what is buffered, as far as stderr takes it without waiting. */
  flush(): void;
}

/** Never blocks the daemon and never fails it, whatever becomes of the reader of stderr. */
export function openLog(level: LogLevel): LogOutput {
  const stderr = destination({ fd: 2, sync: false, maxLength: maxBufferedBytes });
  stderr.on("error", () => {});
  return {
    log: createLog(level, stderr),
    flush: () => {
      try {
        stderr.flushSync();
      } catch {
        // Nobody reads: there is nobody to tell.
      }
    },
  };
}

export function createLog(level: LogLevel, output: DestinationStream): Log {
  return pino({ level, base: { pid: process.pid }, timestamp: stdTimeFunctions.isoTime }, output);
}
