/** The caller at the other end of a connection. */
import type { Socket } from "node:net";
import { BrokenPipe, type Caller, OwnProcessNeeded } from "../cli/caller.ts";
import { frameHeader } from "./frames.ts";
import type { HostRequest } from "./request.ts";

/** A caller, and what its host does with it. */
export interface HostedCaller {
  readonly caller: Caller;
  /** Lets go of what the command holds; if the caller has gone, that ends the command. */
  end(): void;
}

export function hostedCaller(request: HostRequest, socket: Socket): HostedCaller {
  const gone = new AbortController();
  const releases = new Set<() => void>();
  let ended = false;
  let wrote = false;
  const end = (): void => {
    ended = true;
    for (const release of releases) {
      releases.delete(release);
      release();
    }
  };
  socket.once("close", () => {
    if (!ended) {
      gone.abort();
      end();
    }
  });

  // Most commands print one result and end: that and the exit code go out in one piece, for which the launcher wakes once.
  let gathers = false;
  const gather = (): void => {
    if (!gathers) {
      gathers = true;
      socket.cork();
      setImmediate(() => {
        gathers = false;
        socket.uncork();
      });
    }
  };

  const send = (type: "stdout" | "stderr", data: Uint8Array, onWritten?: (error?: Error | null) => void): void => {
    if (socket.destroyed) {
      throw new BrokenPipe();
    }
    if (data.length === 0) {
      onWritten?.();
      return;
    }
    wrote = true;
    socket.cork();
    socket.write(frameHeader(type, data.length));
    socket.write(data, onWritten);
    socket.uncork();
  };

  return {
    end,
    caller: {
      ...request,
      signal: gone.signal,
      print(text) {
        gather();
        send("stdout", Buffer.from(text));
      },
      note(text) {
        if (!socket.destroyed) {
          gather();
          send("stderr", Buffer.from(text));
        }
      },
      writeOutput(data) {
        // Not only until there is room: the caller may use the memory of `data` again. A socket that closes says so, too.
        return new Promise((resolve, reject) => {
          send("stdout", data, (error) => (error ? reject(new BrokenPipe()) : resolve()));
        });
      },
      finish() {},
      remembered: undefined,
      remember(text) {
        if (!socket.destroyed) {
          socket.cork();
          socket.write(frameHeader("remember", text.length));
          socket.write(text, "latin1");
          socket.uncork();
        }
      },
      ownProcess() {
        if (wrote) {
          throw new Error("a command asked for a process of its own after it had begun");
        }
        throw new OwnProcessNeeded();
      },
      mayLeave: () => !wrote,
      onEnd(release) {
        if (ended) {
          release();
        } else {
          releases.add(release);
        }
      },
    },
  };
}
