import { closeSync, constants, openSync, writeSync } from "node:fs";
import { controlLayout } from "./layout.ts";
import { hasCode } from "./system-error.ts";

/** No shim listens: it has exited, or never made its FIFOs. */
export class ShimGoneError extends Error {
  override readonly name = "ShimGoneError";
}

/** One message to a shim; `type`, `a`, `b` and `value` as `enum pm_control_type` says. */
export interface ControlMessage {
  readonly type: number;
  /**
   * Chosen by the caller, non-zero; comes back in the ring's `controlSeq`. A shim
   * carries out a message once, however often it is sent with the same number.
   */
  readonly seq: number;
  readonly a: number;
  readonly b: number;
  /** `Control.hold`: an offset. Default: 0. */
  readonly value?: number;
  /**
   * Milliseconds from now after which a shim that was stopped meanwhile is not
   * to carry the message out any more, and acknowledges it with ETIMEDOUT.
   * Default: never.
   */
  readonly expiresMs?: number;
}

/**
 * Sends one message without waiting. The shim acknowledges in its ring, which
 * holds the last acknowledgement only: send the next message to the same shim
 * when the last one has come back.
 *
 * @throws ShimGoneError if there is no shim; a Node system error (EAGAIN) if
 * 2,048 messages wait unread.
 */
export function sendControl(path: string, message: ControlMessage): void {
  const bytes = Buffer.alloc(controlLayout.size);
  bytes.writeUInt32LE(message.type, controlLayout.type);
  bytes.writeUInt32LE(message.seq, controlLayout.seq);
  bytes.writeUInt32LE(message.a, controlLayout.a);
  bytes.writeUInt32LE(message.b, controlLayout.b);
  bytes.writeBigUInt64LE(BigInt(message.value ?? 0), controlLayout.value);
  if (message.expiresMs !== undefined) {
    // hrtime is CLOCK_MONOTONIC, as the shim's clock is.
    const expires = process.hrtime.bigint() + BigInt(Math.round(message.expiresMs * 1e6));
    bytes.writeBigUInt64LE(expires, controlLayout.expires);
  }
  let fd = -1;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    // At most PIPE_BUF bytes: all or nothing, pipe(7).
    writeSync(fd, bytes);
  } catch (error) {
    if (hasCode(error, "ENXIO", "ENOENT", "EPIPE")) {
      throw new ShimGoneError("the shim of this process is gone", { cause: error });
    }
    throw error;
  } finally {
    if (fd >= 0) {
      closeSync(fd);
    }
  }
}
