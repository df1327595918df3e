/** A daemon for tests of programs that use pm: in memory, over a socket, without a process of its own. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { FakeProcess, FakeProgram } from "./fake-process.ts";
import { FakeWorld } from "./fake-world.ts";
import { fakeRoutes } from "./services/routes.ts";

export interface FakeDaemonOptions {
  /** What can be started, by executable; everything else fails with START_FAILED. @default {} */
  readonly programs?: Readonly<Record<string, FakeProgram>>;
}

/**
 * Serves all services of the contract in the Connect protocol over HTTP/1.1, with the daemon's reasons. Processes do
 * what the test's programs do, and output, events, batches, queues and projects follow from that. What does not happen
 * here: restart policies, probes, dependencies, limits, retention, preconditions, repetition by `requestId`, terminals,
 * held output and usage (those calls answer UNIMPLEMENTED). No time passes: a schedule is due when it is triggered.
 *
 * @example
 * ```ts
 * await using daemon = await FakeDaemon.start({
 *   programs: { make: (process) => { process.write("built\n"); process.exit(0); } },
 * });
 * await using pm = await ProcessManager.connect({ socket: daemon.socket });
 * const { run } = await (await pm.processes.start({ executable: "make" })).wait();
 * ```
 */
export class FakeDaemon {
  /** Path of its socket, for `ProcessManager.connect({ socket })` or `PM_HOST=unix://PATH`. */
  readonly socket: string;
  readonly #directory: string;
  readonly #server: Server;
  readonly #world: FakeWorld;
  readonly #shutdown: AbortController;

  private constructor(directory: string, server: Server, world: FakeWorld, shutdown: AbortController) {
    this.#directory = directory;
    this.socket = join(directory, "pm.sock");
    this.#server = server;
    this.#world = world;
    this.#shutdown = shutdown;
  }

  /** Resolves when it can be connected to. */
  static async start({ programs = {} }: FakeDaemonOptions = {}): Promise<FakeDaemon> {
    const world = new FakeWorld(new Map(Object.entries(programs)));
    const shutdown = new AbortController();
    const routes = fakeRoutes(world);
    const server = createServer(connectNodeAdapter({ routes, shutdownSignal: shutdown.signal }));
    const daemon = new FakeDaemon(await mkdtemp(join(tmpdir(), "pm-fake-")), server, world, shutdown);
    server.listen(daemon.socket);
    await once(server, "listening");
    return daemon;
  }

  /** Processes that were started and not removed, oldest first. */
  get processes(): readonly FakeProcess[] {
    return [...this.#world.processes.values()];
  }

  /** The latest process with this id or name. */
  process(idOrName: string): FakeProcess | undefined {
    return this.processes.findLast(({ id, name }) => id === idOrName || name === idOrName);
  }

  /** Ends all calls and removes the socket. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#shutdown.abort();
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    await rm(this.#directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
