import fc from "fast-check";
import { expect, test } from "vitest";
import { EnvelopeReader, envelope } from "../../../../src/sdk/transport/envelopes.ts";
import { type Slab, Slabs } from "../../../../src/sdk/transport/slabs.ts";

/** Sizes of messages, of reads, and how many messages the consumer lags behind. */
const traffic = fc.record({
  sizes: fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.nat({ max: 5000 }) },
      { weight: 8, arbitrary: fc.integer({ min: 100_000, max: 300_000 }) },
      // Too large for a slab.
      { weight: 1, arbitrary: fc.constant(1_000_000) },
    ),
    {
      minLength: 20,
      maxLength: 60,
    },
  ),
  reads: fc.array(fc.integer({ min: 1, max: 220_000 }), { minLength: 1, maxLength: 20 }),
  lag: fc.nat({ max: 4 }),
  reuses: fc.boolean(),
});

/** One stream: what is sent, in messages that say whose they are, and a consumer that lags behind. */
function stream(
  { sizes, reads, lag }: { sizes: number[]; reads: number[]; lag: number },
  reuses: boolean,
  mark: number,
) {
  const messages = sizes.map((size, index) => Buffer.alloc(size, mark + (index % 120)));
  const sent = Buffer.concat(messages.map(envelope));
  const slabs = new Slabs(reuses);
  const rooms: ArrayBufferLike[] = [];
  const queue: { message: Buffer; slab: Slab | undefined; expected: Buffer }[] = [];
  let delivered = 0;
  let at = 0;
  const settle = (most: number) => {
    while (queue.length > most) {
      const { message, slab, expected } = queue.shift() as (typeof queue)[number];
      expect(message.equals(expected)).toBe(true);
      if (slab !== undefined) slabs.release(slab);
    }
  };
  const reader = new EnvelopeReader(
    {
      message: (message) => {
        const expected = messages[delivered++] as Buffer;
        expect(message.equals(expected)).toBe(true);
        queue.push({ message, slab: slabs.use(message), expected });
      },
      end: () => {},
      placed: (begun, length) => slabs.placed(begun, length),
    },
    1 << 20,
  );
  let room = slabs.room();
  return {
    rooms,
    isOver: () => at === sent.length,
    read(turn: number) {
      rooms.push(room.buffer);
      const length = Math.min(room.length, reads[turn % reads.length] ?? 1, sent.length - at);
      sent.copy(room, 0, at, at + length);
      at += length;
      reader.push(slabs.take(length));
      // As net.Socket does it: asked for right after the last read was taken.
      if (at === sent.length) slabs.close();
      room = slabs.room();
      settle(lag);
    },
    finish() {
      settle(0);
      expect(delivered).toBe(messages.length);
    },
  };
}

test("memory is not filled again, by any stream, before what was found in it was given back", () => {
  let reused = 0;
  fc.assert(
    fc.property(traffic, traffic, (one, other) => {
      const streams = [stream(one, one.reuses, 1), stream(other, other.reuses, 130)];
      for (let turn = 0; streams.some((each) => !each.isOver()); turn++) {
        for (const each of streams) {
          if (!each.isOver()) each.read(turn);
        }
      }
      for (const each of streams) each.finish();
      const used = streams.map(({ rooms }) => new Set(rooms));
      reused += [...(used[0] ?? [])].filter((buffer) => used[1]?.has(buffer)).length;
    }),
    { numRuns: 30 },
  );
  expect(reused).toBeGreaterThan(0);
});

test("what still comes after the end goes where nobody reads, into memory that is not empty", () => {
  const slabs = new Slabs(true);
  const before = slabs.room();
  slabs.take(10);
  slabs.close();
  const room = slabs.room();
  // Node.js's TLS would try again and again to read something into an empty buffer.
  expect(room.length).toBeGreaterThan(0);
  expect(room.buffer).not.toBe(before.buffer);
  expect(slabs.take(5)).toHaveLength(5);
});
