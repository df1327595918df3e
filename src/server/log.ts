/** Structured logs on stderr, one JSON object a line. No request body and no environment is ever logged. */
import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { type DestinationStream, type Level, type Logger, pino, stdTimeFunctions } from "pino";

export type Log = Logger;
export type LogLevel = Level | "silent";

export const logLevels: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** What is held back while nobody reads stderr; beyond it lines are dropped. */
const maxBufferedBytes = 1024 * 1024;

/**
 * Never blocks the daemon and never fails it, whatever becomes of the reader of
 * stderr. A line is written at once as far as it is taken; what is held back
 * when the daemon ends is lost.
 */
export function openLog(level: LogLevel): Log {
  const stats = fstatSync(2);
  return createLog(
    level,
    stats.isSocket() || stats.isFIFO() ? held(stats.isFIFO() ? reopened() : 2) : direct(reopened()),
  );
}

export function createLog(level: LogLevel, output: DestinationStream): Log {
  return pino({ level, base: { pid: process.pid }, timestamp: stdTimeFunctions.isoTime }, output);
}

/**
 * Stderr as an open file of the daemon's own, which does not wait: the one that
 * it was given may be others' too, and must keep its mode. A socket cannot be
 * opened again, and neither can what belongs to another user.
 */
function reopened(): number {
  const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    return openSync("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
  } catch {
    return 2;
  }
}

/** For a pipe or socket: what its reader does not take yet is held back. */
function held(fd: number): DestinationStream {
  const stream = new Socket({ fd, readable: false, writable: true });
  stream.on("error", () => {});
  stream.unref();
  return {
    write: (line) => {
      if (stream.writable && stream.writableLength + line.length <= maxBufferedBytes) {
        stream.write(line);
      }
    },
  };
}

/** For a file, a terminal or a device: what it does not take is dropped. */
function direct(fd: number): DestinationStream {
  return {
    write: (line) => {
      try {
        writeSync(fd, line);
      } catch {
        // A full disk or a stopped terminal: there is nobody to tell.
      }
    },
  };
}
