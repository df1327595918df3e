import { expect, test } from "vitest";
import { EnvelopeReader, envelope } from "../../../../src/sdk/transport/envelopes.ts";
import { Slabs } from "../../../../src/sdk/transport/slabs.ts";

/** A generator whose numbers are the same in every run: Mulberry32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Reads messages of all sizes through slabs, as a consumer that keeps up to `most` of them does. */
function readThrough(reuse: boolean, most: number): { readonly wrong: number; readonly buffers: number } {
  const random = randomFrom(most + 1);
  const slabs = new Slabs(reuse);
  const buffers = new Set<ArrayBufferLike>();
  const sent: Buffer[] = [];
  const given: { readonly message: Buffer; readonly expected: Buffer }[] = [];
  let wrong = 0;
  const consume = (): void => {
    const { message, expected } = given.shift() ?? { message: Buffer.alloc(0), expected: Buffer.alloc(0) };
    wrong += message.equals(expected) ? 0 : 1;
    slabs.letGo(message);
  };
  const reader = new EnvelopeReader(
    {
      message: (message) => {
        slabs.hold(message);
        given.push({ message, expected: sent.shift() ?? Buffer.alloc(0) });
      },
      end: () => {},
    },
    16 * 1024 * 1024,
  );
  for (let count = 0; count < 300; count++) {
    sent.push(Buffer.alloc([10, 5000, 300_000, 700_000][random(4)] ?? 1, random(256)));
  }
  const bytes = Buffer.concat(sent.map(envelope));
  for (let at = 0; at < bytes.length; ) {
    const room = slabs.room();
    buffers.add(room.buffer);
    // Now and then a read fills all the room that there is.
    const length = bytes.copy(room, 0, at, at + Math.min(room.length, [1, 200_000, room.length][random(3)] ?? 1));
    at += length;
    reader.push(slabs.take(length));
    while (given.length > most) consume();
  }
  while (given.length > 0) consume();
  return { wrong, buffers: buffers.size };
}

test.each([0, 1, 5])("memory is used again, and no message changes while somebody has it, of %i at a time", (most) => {
  const { wrong, buffers } = readThrough(true, most);
  expect(wrong).toBe(0);
  expect(buffers).toBeLessThan(12);
});

test("without being asked it is never used again", () => {
  const { wrong, buffers } = readThrough(false, 5);
  expect(wrong).toBe(0);
  expect(buffers).toBeGreaterThan(100);
});
