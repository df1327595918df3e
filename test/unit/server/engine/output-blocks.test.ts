import { expect, test } from "vitest";
import { Blocks, blockBytes } from "../../../../src/server/engine/output/blocks.ts";

const megabyte = 1024 * 1024;

test("memory is used again once all of its users have released it", () => {
  const blocks = new Blocks();
  const block = blocks.take(blockBytes);
  block?.share();
  block?.release();
  const other = blocks.take(blockBytes);
  expect(other?.bytes).not.toBe(block?.bytes);
  block?.release();
  expect(blocks.take(blockBytes)?.bytes).toBe(block?.bytes);
});

test("memory that somebody keeps is never used again", () => {
  const blocks = new Blocks();
  const block = blocks.take(blockBytes);
  block?.keep();
  block?.release();
  expect(blocks.take(blockBytes)?.bytes).not.toBe(block?.bytes);
});

test("a reader gets much at once when it has shown that it reads, unless many do", () => {
  const blocks = new Blocks();
  const frugal = blocks.readBytes(0);
  expect(frugal).toBeLessThan(blockBytes);
  expect(blocks.readBytes(megabyte)).toBe(blockBytes);
  const out = Array.from({ length: 16 }, () => blocks.take(blockBytes));
  expect(blocks.readBytes(megabyte)).toBeLessThan(blockBytes);
  expect(blocks.readBytes(megabyte)).toBeGreaterThan(frugal);
  out[0]?.release();
  expect(blocks.readBytes(megabyte)).toBe(blockBytes);
});

test("what is too small to be worth it, or larger than any block, has memory of its own", () => {
  const blocks = new Blocks();
  expect(blocks.take(100)).toBeNull();
  expect(blocks.take(megabyte)).toBeNull();
});
