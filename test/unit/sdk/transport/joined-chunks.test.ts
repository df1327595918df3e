import { expect, test } from "vitest";
import { joinedChunks } from "../../../../src/sdk/transport/joined-chunks.ts";
import type { OutputChunk } from "../../../../src/sdk/types.ts";

const time = new Date(0);

/** A chunk at this place in memory. */
function chunkIn(memory: Buffer, at: number, length: number, offset: number): OutputChunk {
  return { stream: "stdout", offset, time, data: memory.subarray(at, at + length) };
}

test("chunks that follow each other become one, whatever lies between them in memory", () => {
  const memory = Buffer.from("abc..defgh...");
  const first = joinedChunks(chunkIn(memory, 0, 3, 10), chunkIn(memory, 5, 5, 13));
  expect(first).toMatchObject({ stream: "stdout", offset: 10, time });
  expect(Buffer.from(first?.data ?? []).toString()).toBe("abcdefgh");
});

test.each<[string, OutputChunk, OutputChunk]>([
  ["a gap", chunkIn(Buffer.alloc(10), 0, 3, 0), chunkIn(Buffer.alloc(10), 5, 3, 4)],
  ["memory of another read", chunkIn(Buffer.alloc(10), 0, 3, 0), chunkIn(Buffer.alloc(10), 5, 3, 3)],
])("not so across %s", (_, first, second) => {
  const bytes = Buffer.from(first.data).toString();
  expect(joinedChunks(first, second)).toBeUndefined();
  expect(Buffer.from(first.data).toString()).toBe(bytes);
});

test("not so where the second lies before the first, or much would be moved or made", () => {
  const memory = Buffer.alloc(600_000);
  expect(joinedChunks(chunkIn(memory, 10, 3, 0), chunkIn(memory, 0, 3, 3))).toBeUndefined();
  expect(joinedChunks(chunkIn(memory, 0, 3, 0), chunkIn(memory, 10, 100_000, 3))).toBeUndefined();
  const large = 256 * 1024;
  expect(joinedChunks(chunkIn(memory, 0, large, 0), chunkIn(memory, large, 1, large))).toBeUndefined();
  expect(joinedChunks(chunkIn(memory, 0, large - 1, 0), chunkIn(memory, large, 1, large - 1))).toBeDefined();
});
