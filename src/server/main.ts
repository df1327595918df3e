/** The entry of the daemon's program. */
import "./use-light-headers.ts";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { ConnectError } from "@connectrpc/connect";
import { type DaemonConfig, readInvocation, UsageError, usage } from "./config/daemon-config.ts";
import { runDaemon } from "./daemon.ts";
import { endProcess } from "./end-process.ts";
import { DaemonRunningError } from "./engine/options.ts";
import { openLog } from "./log.ts";
import { readPidFile } from "./pid-file.ts";
import { collectWhenQuiet } from "./quiet-collection.ts";
import { openReadiness } from "./readiness.ts";
import { openServiceManager } from "./service-manager.ts";
import { version } from "./version.ts";

/** As the command line's: docs say what they mean. */
const exitCodes = { failure: 1, usage: 2, conflict: 5, software: 70, signalBase: 128 } as const;

/**
 * How long a daemon that was asked to end may take, in milliseconds. Less than
 * `pm daemon stop` waits; a daemon that is killed loses nothing.
 */
const stopLimitMs = 10_000;

/** The contract's descriptors: beside the bundle, or where the build puts them when this runs from the sources. */
function findDescriptors(): string | undefined {
  return ["contract.binpb", "../../dist/contract.binpb"]
    .map((path) => join(import.meta.dirname, path))
    .find(existsSync);
}

/** How long one may go on starting that was asked to end meanwhile, in milliseconds. */
const startingLimitMs = 3_000;

/** Beside the bundle; below it where a package holds those of all architectures; or where the build puts it when this runs from the sources. */
function findShim(): string {
  const places = ["pm-shim", `${process.arch}/pm-shim`, "../../dist/pm-shim"].map((path) =>
    join(import.meta.dirname, path),
  );
  return places.find(existsSync) ?? join(import.meta.dirname, "pm-shim");
}

const readiness = openReadiness(process.env);

function refuse(message: string, exitCode: number): never {
  readiness.failed(message, exitCode);
  return endProcess(exitCode);
}

async function invocation() {
  try {
    return await readInvocation(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof UsageError)) {
      throw error;
    }
    process.stderr.write(`pm daemon: ${error.message}\nhint: see 'pm daemon run --help'\n`);
    return refuse(error.message, exitCodes.usage);
  }
}

async function main(): Promise<void> {
  const asked = await invocation();
  if (asked.kind === "check") {
    process.exitCode = await check(asked.config);
    return;
  }
  if (asked.kind !== "run") {
    process.stdout.write(asked.kind === "help" ? usage : `${version}\n`);
    return;
  }
  const { config } = asked;
  const log = openLog(config.logLevel);

  // What nobody expected leaves a state that nobody knows. Processes survive,
  // and the next daemon finds them.
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "an unexpected error: this daemon ends, processes run on");
    endProcess(exitCodes.software);
  });
  process.on("unhandledRejection", (reason) => {
    if (reason instanceof ConnectError || (reason instanceof Error && reason.name === "AbortError")) {
      // One call that ended while nobody looked.
      log.error({ err: reason }, "a call's failure was not handled");
      return;
    }
    log.fatal({ err: reason }, "an unexpected rejection: this daemon ends, processes run on");
    endProcess(exitCodes.software);
  });
  // Also what a terminal sends that closes: reloading does no harm.
  let reload = async () => {};
  process.on("SIGHUP", () => {
    log.info("SIGHUP: reloading certificates and users");
    void reload();
  });

  // No file system is kept busy.
  process.chdir("/");

  const { promise: signalled, resolve: onFirstSignal } = Promise.withResolvers<"SIGTERM" | "SIGINT">();
  let signals = 0;
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      signals += 1;
      if (signals > 1) {
        log.warn({ signal: name }, "a second signal: ending at once");
        endProcess(exitCodes.signalBase + constants.signals[name]);
      }
      onFirstSignal(name);
    });
  }

  const shimPath = findShim();
  const serviceManager = openServiceManager(process.env, shimPath, log);
  try {
    // One that is still starting has nothing to shut down.
    let isUp = false;
    void signalled.then((name) => {
      if (isUp) return;
      log.info({ signal: name }, "ending before this daemon was ready; processes run on");
      setTimeout(() => {
        if (!isUp) endProcess(exitCodes.signalBase + constants.signals[name]);
      }, startingLimitMs);
    });
    const daemon = await runDaemon({ config, shimPath, descriptorFile: findDescriptors(), log });
    isUp = true;
    log.info({ version, runtimeDirectory: config.runtimeDirectory }, "ready");
    reload = daemon.reload;
    readiness.ready();
    collectWhenQuiet();
    const toldReady = serviceManager.tell("READY=1");
    const toldStopping = daemon.stopping.then(() => toldReady).then(() => serviceManager.tell("STOPPING=1"));
    void signalled.then(daemon.shutdown);
    void daemon.stopping.then(() => {
      setTimeout(() => {
        log.error({ afterMs: stopLimitMs }, "stopping takes too long: ending at once, processes run on");
        endProcess(exitCodes.software);
      }, stopLimitMs).unref();
    });
    await daemon.stopped;
    await toldStopping;
    endProcess(0);
  } catch (error) {
    const message = describe(error, config.runtimeDirectory);
    log.fatal({ err: error }, message);
    refuse(message, error instanceof DaemonRunningError ? exitCodes.conflict : exitCodes.failure);
  }
}

/** Says what the configuration comes to; the exit code. */
async function check(config: DaemonConfig): Promise<number> {
  const { checkConfig } = await import("./config/check.ts");
  const { summary, warnings, problems } = await checkConfig(config);
  process.stdout.write(summary.map((line) => `${line}\n`).join(""));
  process.stderr.write(
    [...warnings.map((line) => `warning: ${line}\n`), ...problems.map((line) => `error: ${line}\n`)].join(""),
  );
  return problems.length === 0 ? 0 : exitCodes.failure;
}

function describe(error: unknown, directory: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const pid = error instanceof DaemonRunningError ? readPidFile(directory) : undefined;
  return pid === undefined ? message : `${message} (it is process ${pid})`;
}

await main();
