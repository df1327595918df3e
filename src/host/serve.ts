/** One connection of a launcher: a request, a command, its output, its exit code. */
import type { Socket } from "node:net";
import { OwnProcessNeeded } from "../cli/caller.ts";
import { main } from "../cli/main.ts";
import { exitFrame, frameHeader, greeting } from "./frames.ts";
import { hostedCaller } from "./hosted-caller.ts";
import { decodeRequest, type HostRequest, MalformedRequest, maxRequestBytes } from "./request.ts";

/** Milliseconds that a launcher has for its request; it sends it at once. */
const requestMs = 10_000;

/** Serves a connection to its end. Whoever does not keep to the protocol is cut off. */
export async function serve(socket: Socket, buildId: string): Promise<void> {
  // Its close says all.
  socket.on("error", () => {});
  socket.write(greeting(buildId));
  const request = await readRequest(socket);
  if (request === undefined) {
    socket.destroy();
    return;
  }
  const { caller, end } = hostedCaller(request, socket);
  try {
    const code = await main(caller);
    socket.end(exitFrame(code));
  } catch (error) {
    if (error instanceof OwnProcessNeeded) {
      socket.end(frameHeader("declined", 0));
    } else {
      socket.destroy();
      throw error;
    }
  } finally {
    end();
  }
}

/** Undefined for a launcher that hung up (another build's does), was too slow, or sent something else. */
function readRequest(socket: Socket): Promise<HostRequest | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let expected: number | undefined;
    const finish = (request: HostRequest | undefined): void => {
      clearTimeout(deadline);
      socket.off("data", onData);
      socket.off("close", onClose);
      // Reading on is how its end is noticed.
      socket.resume();
      resolve(request);
    };
    const onClose = (): void => finish(undefined);
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      if (expected === undefined && length >= 4) {
        expected = 4 + Buffer.concat(chunks).readUInt32LE(0);
      }
      if (expected === undefined || length < expected) {
        if (expected !== undefined && expected > 4 + maxRequestBytes) {
          finish(undefined);
        }
        return;
      }
      finish(length === expected ? decode(Buffer.concat(chunks).subarray(4)) : undefined);
    };
    const deadline = setTimeout(finish, requestMs, undefined);
    socket.on("data", onData);
    socket.once("close", onClose);
  });
}

function decode(bytes: Buffer): HostRequest | undefined {
  try {
    return decodeRequest(bytes);
  } catch (error) {
    if (error instanceof MalformedRequest) {
      return undefined;
    }
    throw error;
  }
}
