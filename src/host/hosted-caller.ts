/** The caller at the other end of a connection. */
import { once } from "node:events";
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

  /** @returns whether more may be written at once */
  const send = (type: "stdout" | "stderr", data: Uint8Array): boolean => {
    if (socket.destroyed) {
      throw new BrokenPipe();
    }
    if (data.length === 0) {
      return true;
    }
    wrote = true;
    socket.cork();
    socket.write(frameHeader(type, data.length));
    const more = socket.write(data);
    socket.uncork();
    return more;
  };

  return {
    end,
    caller: {
      ...request,
      signal: gone.signal,
      print(text) {
        send("stdout", Buffer.from(text));
      },
      note(text) {
        if (!socket.destroyed) {
          send("stderr", Buffer.from(text));
        }
      },
      async writeOutput(data) {
        if (!send("stdout", data)) {
          await once(socket, "drain", { signal: gone.signal }).catch(() => {
            throw new BrokenPipe();
          });
        }
      },
      finish() {},
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
