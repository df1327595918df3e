import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { type CommandHost, startCommandHost } from "./command-host.ts";
import type { DaemonConfig } from "./config/daemon-config.ts";
import { openEngine } from "./engine/lifecycle/open.ts";
import { prepareRuntimeDirectory } from "./engine/lifecycle/runtime-directory.ts";
import { serverLimits } from "./listen/limits.ts";
import { openRemote, type RemoteAccess } from "./listen/remote-access.ts";
import { createRequestHandler } from "./listen/request-handler.ts";
import { checkSocketPath } from "./listen/socket-file.ts";
import { type Listener, listenUnix } from "./listen/unix.ts";
import type { Log } from "./log.ts";
import { removePidFile, writePidFile } from "./pid-file.ts";
import { shuttingDown } from "./rpc/errors.ts";
import { daemonRoutes } from "./rpc/routes.ts";
import { openSupervision, type Supervision } from "./supervision/open.ts";
import { readBootId } from "./supervision/store/boot-id.ts";
import { version } from "./version.ts";

export interface DaemonOptions {
  readonly config: DaemonConfig;
  /** Absolute path of the `pm-shim` executable. */
  readonly shimPath: string;
  /** Path of the contract's descriptors with comments; without it reflection has no comments. */
  readonly descriptorFile?: string | undefined;
  readonly log: Log;
}

/** A daemon that serves. */
export interface Daemon {
  /** Begins the shutdown: calls under way end with SHUTTING_DOWN, processes run on. */
  shutdown(why: string): void;
  /** Reads certificates and users again, where there are any. What cannot be used is logged and refused. */
  reload(): Promise<void>;
  /** Settles when the shutdown has begun. */
  readonly stopping: Promise<unknown>;
  /** Settles when everything is let go of. */
  readonly stopped: Promise<void>;
}

/**
 * Takes the runtime directory, finds the processes of earlier daemons and
 * serves. On failure everything is let go of again.
 *
 * @throws RuntimeDirectoryError, SocketFileError, DaemonRunningError
 */
export async function runDaemon({ config, shimPath, descriptorFile, log }: DaemonOptions): Promise<Daemon> {
  const directory = config.runtimeDirectory;
  prepareRuntimeDirectory(directory);
  // Before the processes of earlier daemons are touched.
  checkSocketPath(config.socketPath);

  const engine = await openEngine({
    runtimeDir: directory,
    shimPath,
    logger: log,
    retention: config.retention,
    ...(config.defaultOutputLimitBytes === undefined
      ? {}
      : { defaultOutputLimitBytes: config.defaultOutputLimitBytes }),
    ...(config.maxOutputLimitBytes === undefined ? {} : { maxOutputLimitBytes: config.maxOutputLimitBytes }),
  });

  const ending = new AbortController();
  const { promise: asked, resolve: shutdown } = Promise.withResolvers<string>();
  const listeners: Listener[] = [];
  let remote: RemoteAccess | undefined;
  let commandHost: CommandHost | undefined;
  let supervision: Supervision | undefined;
  const letGo = async () => {
    await commandHost?.close();
    await Promise.all(listeners.map((listener) => listener.close()));
    removePidFile(directory);
    await supervision?.close();
    // Last: it releases the lock, and the next daemon may begin.
    await engine.close();
  };

  try {
    writePidFile(directory);
    supervision = await openSupervision({
      engine,
      stateDirectory: config.stateDirectory,
      bootId: readBootId(),
      log,
    }).catch((error: unknown) => {
      throw stateDirectoryError(config.stateDirectory, error);
    });
    const identity = {
      version,
      instanceId: randomUUID(),
      startTime: BigInt(Date.now()) * 1_000_000n,
      runtimeDirectory: directory,
    };
    const handler = createRequestHandler({
      // The response to Shutdown leaves first.
      routes: daemonRoutes({
        engine: supervision.engine,
        supervision,
        log,
        identity,
        limits: serverLimits,
        descriptorFile,
        stopping: ending.signal,
        requestShutdown: () => setImmediate(shutdown, "asked for by a client"),
      }),
      shutdownSignal: ending.signal,
      log,
    });
    listeners.push(
      await listenUnix({
        path: config.socketPath,
        handler,
        log,
        // What is left of it is the next daemon's, which finds the shims that live.
        onDirectoryGone: () => shutdown("its directory is gone"),
      }),
    );
    if (config.socketPath === join(directory, "pm.sock")) {
      // Launchers look for it beside the default socket, and so do the commands that it runs.
      const socketPath = join(directory, "cli.sock");
      commandHost = startCommandHost({ programs: import.meta.dirname, socketPath, log });
    }
    if (config.tcp !== undefined) {
      remote = await openRemote(config.tcp, handler, log);
      listeners.push(remote);
    }
  } catch (error) {
    await letGo();
    throw error;
  }

  const stopped = asked.then(async (why) => {
    log.info({ why }, "stopping; processes run on");
    ending.abort(shuttingDown());
    await letGo();
    log.info("stopped");
  });
  return { shutdown, stopping: asked, stopped, reload: async () => remote?.reload() };
}

/** A system error about the state directory becomes one that says what to do; others stay as they are. */
function stateDirectoryError(directory: string, error: unknown): unknown {
  const { path, message } = error as NodeJS.ErrnoException;
  return error instanceof Error && path !== undefined && (directory.startsWith(path) || path.startsWith(directory))
    ? new Error(
        `the state directory ${directory} cannot be used (${message}): set PM_STATE_DIR to a directory that you may write to`,
        { cause: error },
      )
    : error;
}
