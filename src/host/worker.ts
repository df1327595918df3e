/**
 * The command host: runs the commands of `pm` for launchers, in a worker
 * thread that the daemon starts (src/server/command-host.ts). Bundled as
 * dist/host.cjs, beside dist/cli.cjs, from which it has the commands.
 */
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { bindingPath, publishSocket } from "../files/publish-socket.ts";
import { ProcessManager } from "../sdk/index.ts";
import { serve } from "./serve.ts";

/** Of a script's commands one follows the other: the daemon's thread need not hear of each. */
const idleAfterMs = 1000;

/** Launchers at a time; one more runs its command by itself. */
const maxConnections = 256;

interface HostData {
  /** Absolute; in a directory of mode 0700. */
  readonly socketPath: string;
  /** Of the daemon: code of another build must not run in it. */
  readonly buildId: string;
}

function start({ socketPath, buildId }: HostData, port: NonNullable<typeof parentPort>): void {
  if (readFileSync(join(__dirname, "build-id"), "latin1") !== buildId) {
    throw new Error("the files of this build were replaced while it ran");
  }
  const sockets = new Set<Socket>();
  let idleTimer: NodeJS.Timeout | undefined;
  // A launcher is answered before it hangs up: its end must not close our half.
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    if (idleTimer !== undefined) {
      clearTimeout(idleTimer);
      idleTimer = undefined;
    } else if (sockets.size === 0) {
      port.postMessage("busy");
    }
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) {
        idleTimer = setTimeout(() => {
          idleTimer = undefined;
          port.postMessage("idle");
        }, idleAfterMs).unref();
      }
    });
    // What is not a command's own failure ends this thread, and the daemon starts another.
    void serve(socket, buildId);
  });
  server.maxConnections = maxConnections;
  // As long as somebody has a manager for it, the daemon's connections are kept from one command to the next.
  const manager = ProcessManager.connect({ socket: join(dirname(socketPath), "pm.sock") });
  const bound = bindingPath(socketPath);
  server.listen(bound, () => {
    const published = publishSocket(bound, socketPath);
    port.on("message", (message) => {
      if (message === "ping") {
        port.postMessage("pong");
      } else if (message === "close") {
        published.remove();
        void manager.then((opened) => opened.close());
        server.close(() => port.close());
      }
    });
    port.postMessage("listening");
  });
}

if (parentPort !== null) {
  start(workerData as HostData, parentPort);
}
