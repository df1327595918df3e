import { closeSync, fstatSync, writeSync } from "node:fs";

/** Tells whoever started the daemon that it serves, or why it never will. */
export interface Readiness {
  ready(): void;
  failed(message: string, exitCode: number): void;
}

/**
 * Speaks on the descriptor that `PM_READY_FD` names: one line, "ready" or
 * `{"error": text, "code": exit code}`. For commands that start a daemon in the
 * background; it must be a pipe or a socket. Takes the variable away, so that
 * nothing that the daemon starts takes the descriptor for its own.
 */
export function openReadiness(env: NodeJS.ProcessEnv): Readiness {
  const text = env["PM_READY_FD"];
  delete env["PM_READY_FD"];
  const number = text !== undefined && /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
  let descriptor = number !== undefined && isPipe(number) ? number : undefined;
  const say = (line: string) => {
    if (descriptor === undefined) {
      return;
    }
    const fd = descriptor;
    descriptor = undefined;
    try {
      writeSync(fd, `${line}\n`);
    } catch {
      // Whoever waited has gone.
    }
    try {
      closeSync(fd);
    } catch {
      // It never was open.
    }
  };
  return {
    ready: () => say("ready"),
    failed: (message, exitCode) => say(JSON.stringify({ error: message, code: exitCode })),
  };
}

/** Anything else is not what somebody reads, and may be the daemon's own. */
function isPipe(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    return stats.isFIFO() || stats.isSocket();
  } catch {
    return false;
  }
}
