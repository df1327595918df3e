/** What the host sends to a launcher: src/launcher/protocol.h. */

const types = { stdout: "o", stderr: "e", remember: "r", exit: "x", declined: "d" } as const;

/** Type and length of a frame; its bytes follow. */
export function frameHeader(type: keyof typeof types, length: number): Buffer {
  const header = Buffer.allocUnsafe(5);
  header.write(types[type], 0, "latin1");
  header.writeUInt32LE(length, 1);
  return header;
}

/** The last frame of a command that ran. */
export function exitFrame(code: number): Buffer {
  const frame = Buffer.concat([frameHeader("exit", 4), Buffer.alloc(4)]);
  frame.writeUInt32LE(code & 0xff, 5);
  return frame;
}

/** The first bytes of a connection. */
export function greeting(buildId: string): Buffer {
  return Buffer.from(`pm-host1${buildId}`, "latin1");
}
