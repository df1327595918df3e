/** Where a client of the table finds the daemon, and how it gets in. */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

export interface Place {
  readonly name: "unix" | "mTLS";
  /** unix:///path or https://localhost:port. */
  readonly address: string;
  /** PEM files, and a file with the password. For mTLS. */
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string; readonly password: string };
  /** Undefined: no credentials are sent. */
  readonly user: string | undefined;
  readonly password: string;
  /** For clients that ask for the contract by reflection: where to find it instead. */
  readonly schema?: string;
}

/** What every client must see; see `scenario.ts`. */
export interface Outcome {
  /** Code, reason and errno_name of a start that fails. */
  readonly error: readonly string[];
  /** SHA-256 of the output to its end, and the exit code. */
  readonly stream: readonly [sha256: string, code: number];
  readonly cancel: string;
  readonly deadline: string;
  readonly stopped: boolean;
}

export interface Refused {
  readonly refused: string;
  /** ErrorInfo's, of a unary call and of a stream, where the client tells it. */
  readonly reasons?: readonly (string | undefined)[];
}

/** One row of the table. */
export type ClientRun = (place: Place) => Promise<Outcome | Refused>;

/** The process whose output is streamed to its end. */
export const script = 'i=0; while [ $i -lt 3000 ]; do echo "line $i of the output"; i=$((i+1)); done; exit 3';

/** The process that runs until it is stopped. */
export const sleeper = { executable: "sh", args: ["-c", "echo ready; exec sleep 1000"] };

export const missing = { executable: "/no/such", args: [] };

/** The reference of a process in generated TypeScript. */
export function byId(id: string): { ref: { case: "id"; value: string } } {
  return { ref: { case: "id", value: id } };
}

export interface ToolResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program; `until` ends it with SIGINT once it answers true to the output so far. */
export function runTool(
  command: string,
  args: readonly string[],
  options: {
    readonly input?: Uint8Array | string;
    readonly env?: Readonly<Record<string, string>>;
    readonly until?: (stdout: Buffer) => boolean;
  } = {},
): Promise<ToolResult> {
  const child = spawn(command, args, {
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    // A group of its own: what is installed as a script must not outlive it.
    detached: true,
  });
  let interrupted = false;
  const chunks: Buffer[] = [];
  let stderr = "";
  child.stdin.on("error", () => {});
  child.stdin.end(options.input);
  (child.stdout as Readable).on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    if (!interrupted && options.until?.(Buffer.concat(chunks)) && child.pid !== undefined) {
      interrupted = true;
      process.kill(-child.pid, "SIGINT");
    }
  });
  (child.stderr as Readable).on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout: Buffer.concat(chunks), stderr }));
  });
}

export function authorization({ user, password }: Place): string | undefined {
  return user === undefined ? undefined : `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}
