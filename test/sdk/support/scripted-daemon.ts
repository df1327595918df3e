/**
 * A server that speaks the contract over a Unix socket as the daemon does, and
 * does what a test scripts: for what a real daemon cannot be made to do on
 * demand, such as losing a connection between two chosen frames.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { expect } from "vitest";
import { ErrorInfoSchema } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import { DaemonService } from "../../../gen/ts/pm/v1/daemon_service_pb.ts";
import { EventService } from "../../../gen/ts/pm/v1/event_service_pb.ts";
import { DesiredState, type ProcessSchema, ProcessState } from "../../../gen/ts/pm/v1/process_pb.ts";
import { ProcessService } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import { RunState } from "../../../gen/ts/pm/v1/run_pb.ts";
import { PmError } from "../../../src/sdk/index.ts";

export interface Script {
  readonly process?: Partial<ServiceImpl<typeof ProcessService>>;
  readonly daemon?: Partial<ServiceImpl<typeof DaemonService>>;
  readonly events?: Partial<ServiceImpl<typeof EventService>>;
}

export class ScriptedDaemon implements AsyncDisposable {
  readonly socket: string;
  readonly #directory = mkdtempSync(join(tmpdir(), "pm-sdk-"));
  readonly #connections = new Set<Socket>();
  #server = createServer();
  #script: Script;

  private constructor(script: Script) {
    this.socket = join(this.#directory, "pm.sock");
    this.#script = script;
  }

  static async start(script: Script): Promise<ScriptedDaemon> {
    const daemon = new ScriptedDaemon(script);
    await daemon.listen();
    return daemon;
  }

  /** Listens, again after {@link die}. */
  async listen(script: Script = this.#script): Promise<void> {
    this.#script = script;
    const handler = connectNodeAdapter({
      routes: ({ service }) => {
        service(ProcessService, script.process ?? {});
        service(DaemonService, script.daemon ?? {});
        service(EventService, script.events ?? {});
      },
      acceptCompression: [],
    });
    const http = createHttpServer(handler);
    const http2 = createHttp2Server(handler);
    this.#server = createServer((socket) => {
      this.#connections.add(socket);
      socket.on("error", () => {}).on("close", () => this.#connections.delete(socket));
      socket.once("readable", () => {
        const bytes: Buffer | null = socket.read();
        if (bytes !== null) {
          socket.unshift(bytes);
          (bytes.subarray(0, 3).toString() === "PRI" ? http2 : http).emit("connection", socket);
        }
      });
    });
    await new Promise<void>((resolve) => this.#server.listen(this.socket, resolve));
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Loses every connection, as a killed daemon does; still listens. */
  cut(): void {
    for (const connection of this.#connections) {
      connection.destroy();
    }
  }

  /** {@link cut}, and nobody listens any more. */
  async die(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) {
      await this.die();
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** A process that runs, with what every process has. */
export function runningProcess(id: string, run = 1): MessageInitShape<typeof ProcessSchema> & object {
  const createTime = { seconds: 1n };
  return {
    id,
    state: ProcessState.RUNNING,
    desiredState: DesiredState.RUNNING,
    createTime,
    run: { number: run, state: RunState.RUNNING, createTime },
  };
}

/** A process whose main process has exited with this code. */
export function exitedProcess(id: string, code: number, run = 1): MessageInitShape<typeof ProcessSchema> & object {
  const createTime = { seconds: 1n };
  return {
    id,
    state: ProcessState.EXITED,
    desiredState: DesiredState.STOPPED,
    createTime,
    run: { number: run, state: RunState.EXITED, createTime, exit: { result: { case: "code", value: code } } },
  };
}

/** Lets what was yielded reach the client, then loses every connection. */
export async function lose(daemon: ScriptedDaemon, signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  daemon.cut();
  await aborted(signal);
}

/** What a call rejects with. */
export async function failure(call: Promise<unknown>): Promise<PmError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PmError);
  return error as PmError;
}

/** An error as the daemon sends it. */
export function contractError(code: Code, reason: string, metadata: Record<string, string> = {}): ConnectError {
  return new ConnectError(`scripted ${reason}`, code, undefined, [
    { desc: ErrorInfoSchema, value: { reason, domain: "pm", metadata } },
  ]);
}

/** Ends when the client does. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
}
