/** Chunks that came together, as one, for whoever wants their bytes alone. */
import type { OutputChunk } from "../types.ts";

/** As the contract's. */
const mostBytes = 256 * 1024;
/** To move more costs as much as another turn of whoever takes the chunks. */
const mostMoved = 64 * 1024;

/**
 * One chunk in the place of two, the second of which lies behind the first in
 * memory; its bytes are moved to the end of the first. Undefined: they do not
 * follow each other, or lie elsewhere.
 */
export function joinedChunks<Chunk extends OutputChunk>(first: Chunk, second: OutputChunk): Chunk | undefined {
  const [to, from] = [first.data, second.data];
  const end = to.byteOffset + to.length;
  const length = to.length + from.length;
  if (
    first.offset + to.length !== second.offset ||
    to.buffer !== from.buffer ||
    from.byteOffset < end ||
    from.length > mostMoved ||
    length > mostBytes
  ) {
    return undefined;
  }
  const data = Buffer.from(to.buffer, to.byteOffset, length);
  data.set(from, to.length);
  return { ...first, data };
}
