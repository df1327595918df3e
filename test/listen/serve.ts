/** A unix listener in a directory of its own, with the contract's services answered by the test. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { DescService } from "@bufbuild/protobuf";
import { type ConnectRouter, createClient, type ServiceImpl } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { onTestFinished } from "vitest";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { createRequestHandler, type RequestHandlerOptions } from "../../src/server/listen/request-handler.ts";
import { type Listener, listenUnix, type UnixListenerOptions } from "../../src/server/listen/unix.ts";
import { createLog, type Log } from "../../src/server/log.ts";

export interface Served {
  readonly directory: string;
  readonly path: string;
  readonly listener: Listener;
  readonly shutdown: AbortController;
  readonly log: Log;
  /** Everything logged so far. */
  logged(): string;
}

export type Implementation = Partial<ServiceImpl<typeof ProcessService>>;

/** A test's methods of the ProcessService, or everything that is served. */
export type Routes = Implementation | ((log: Log) => (router: ConnectRouter) => void);

export function privateDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "pm-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function recordingLog(): { log: Log; logged: () => string } {
  const output = new PassThrough();
  let text = "";
  output.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { log: createLog("debug", output), logged: () => text };
}

export async function serve(
  implementation: Routes,
  {
    discard,
    unread,
    ...options
  }: Partial<UnixListenerOptions> & Pick<RequestHandlerOptions, "discard" | "unread"> = {},
): Promise<Served> {
  const directory = privateDirectory();
  const path = options.path ?? join(directory, "pm.sock");
  const { log, logged } = recordingLog();
  const shutdown = new AbortController();
  const handler = createRequestHandler({
    routes:
      typeof implementation === "function"
        ? implementation(log)
        : (router) => {
            router.service(ProcessService, implementation);
            router.service(DaemonService, { getInfo: () => ({ version: "test" }) });
          },
    shutdownSignal: shutdown.signal,
    log,
    ...(discard === undefined ? {} : { discard }),
    ...(unread === undefined ? {} : { unread }),
  });
  const listener = await listenUnix({ path, handler, log, graceMs: 500, ...options });
  onTestFinished(() => listener.close());
  return { directory, path, listener, shutdown, log, logged };
}

const transports = {
  connect: createConnectTransport,
  grpc: createGrpcTransport,
  grpcWeb: createGrpcWebTransport,
};

export type Protocol = keyof typeof transports;

export function clientOf<T extends DescService>(
  service: T,
  path: string,
  protocol: Protocol = "connect",
  httpVersion: "1.1" | "2" = "2",
) {
  const baseUrl = "http://localhost";
  if (httpVersion === "1.1") {
    const options = { httpVersion, baseUrl, nodeOptions: { socketPath: path } } as const;
    return createClient(
      service,
      protocol === "grpcWeb" ? createGrpcWebTransport(options) : createConnectTransport(options),
    );
  }
  const nodeOptions = { createConnection: () => connect(path) };
  return createClient(service, transports[protocol]({ httpVersion, baseUrl, nodeOptions }));
}

/** Writes to the socket and resolves to all that comes back until the other side closes. */
export async function talk(path: string, ...writes: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(path);
  let answer = "";
  socket.on("data", (chunk: Buffer) => {
    answer += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  for (const bytes of writes) {
    socket.write(bytes);
  }
  await closed(socket);
  return answer;
}

export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) {
      resolve();
    } else {
      socket.once("close", () => resolve());
    }
  });
}
