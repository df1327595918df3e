import fc from "fast-check";
import { expect, test } from "vitest";
import { EnvelopeReader, envelope } from "../../../../src/sdk/transport/envelopes.ts";
import { type Slab, Slabs } from "../../../../src/sdk/transport/slabs.ts";

/** Sizes of messages, of reads, and how many messages the consumer lags behind. */
const traffic = fc.record({
  sizes: fc.array(fc.oneof(fc.nat({ max: 5000 }), fc.integer({ min: 100_000, max: 300_000 })), {
    minLength: 20,
    maxLength: 60,
  }),
  reads: fc.array(fc.integer({ min: 1, max: 220_000 }), { minLength: 1, maxLength: 20 }),
  lag: fc.nat({ max: 4 }),
  reuses: fc.boolean(),
});

test("memory is not filled again before what was found in it was given back", () => {
  let reused = 0;
  fc.assert(
    fc.property(traffic, ({ sizes, reads, lag, reuses }) => {
      const messages = sizes.map((size, index) => Buffer.alloc(size, (index % 250) + 1));
      const sent = Buffer.concat(messages.map(envelope));
      const slabs = new Slabs(reuses);
      const seen = new Set<ArrayBufferLike>();
      let last: ArrayBufferLike | undefined;
      const queue: { message: Buffer; slab: Slab | undefined; expected: Buffer }[] = [];
      let delivered = 0;
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
      for (let at = 0, turn = 0; at < sent.length; turn++) {
        const room = slabs.room();
        if (room.buffer !== last && seen.has(room.buffer)) reused += 1;
        last = room.buffer;
        seen.add(last);
        const length = Math.min(room.length, reads[turn % reads.length] ?? 1, sent.length - at);
        sent.copy(room, 0, at, at + length);
        at += length;
        reader.push(slabs.take(length));
        settle(lag);
      }
      settle(0);
      expect(delivered).toBe(messages.length);
    }),
    { numRuns: 60 },
  );
  expect(reused).toBeGreaterThan(0);
});
