import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { Check } from "../../engine/api/policy.ts";
import type { SupervisedEngine } from "../../engine/api/supervision.ts";

export interface CheckOutcome {
  readonly success: boolean;
  /** Why not, for people; empty with a success. */
  readonly message: string;
}

/** Checks that are made at a time; the others are pushed at us. */
export type ActiveCheck = Extract<Check, { kind: "exec" | "http" | "tcp" }>;

const maxOutputBytes = 4096;
const maxMessageLength = 1024;

/** Never throws; ends with its time, and early when the signal aborts. */
export async function runCheck(
  check: ActiveCheck,
  id: string,
  timeoutMs: number,
  engine: SupervisedEngine,
  signal: AbortSignal,
): Promise<CheckOutcome> {
  if (check.kind === "exec") {
    const result = await engine.runCommand(id, check.command, { env: {}, timeoutMs, maxOutputBytes }, signal);
    if (result.code === 0) {
      return { success: true, message: "" };
    }
    const output = new TextDecoder().decode(result.output).trim();
    const how =
      result.problem !== ""
        ? result.problem
        : result.timedOut
          ? `no result after ${timeoutMs} ms`
          : result.code === null
            ? "killed"
            : `exit code ${result.code}`;
    return failure(output === "" ? how : `${how}: ${output}`);
  }
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const outcome = check.kind === "tcp" ? await tryTcp(check, limited) : await tryHttp(check, limited);
  return limited.aborted && !signal.aborted && !outcome.success ? failure(`no result after ${timeoutMs} ms`) : outcome;
}

function failure(message: string): CheckOutcome {
  return { success: false, message: message.slice(0, maxMessageLength) };
}

function tryTcp(check: Extract<Check, { kind: "tcp" }>, signal: AbortSignal): Promise<CheckOutcome> {
  const { promise, resolve } = Promise.withResolvers<CheckOutcome>();
  const socket = connect({ host: check.host || "127.0.0.1", port: check.port, signal });
  socket.once("connect", () => resolve({ success: true, message: "" }));
  socket.once("error", (error) => resolve(failure(describe(error))));
  return promise.finally(() => socket.destroy());
}

function tryHttp(check: Extract<Check, { kind: "http" }>, signal: AbortSignal): Promise<CheckOutcome> {
  const { promise, resolve } = Promise.withResolvers<CheckOutcome>();
  const options = {
    host: check.host || "127.0.0.1",
    port: check.port,
    path: check.path || "/",
    headers: { ...check.headers },
    signal,
    // A connection of its own: what is kept alive would say nothing about the next check.
    agent: false as const,
  };
  try {
    const request = check.tls ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
    request.once("response", (response) => {
      const { statusCode = 0 } = response;
      const good =
        check.statusCodes.length === 0 ? statusCode >= 200 && statusCode < 400 : check.statusCodes.includes(statusCode);
      resolve(good ? { success: true, message: "" } : failure(`HTTP status ${statusCode}`));
      request.destroy();
    });
    // After a response: that the rest of it was not wanted.
    request.on("error", (error) => resolve(failure(describe(error))));
    request.end();
  } catch (error) {
    resolve(failure(describe(error as Error)));
  }
  return promise;
}

function describe(error: Error): string {
  // Of several addresses none answered.
  const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  return first.message;
}
