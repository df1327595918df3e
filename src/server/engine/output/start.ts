import type { OutputStart, OutputStreamName } from "../api/output.ts";
import { EngineError } from "../errors.ts";
import type { OutputSource } from "./source.ts";

/**
 * The offset at which a read begins: the later of position and `since`.
 *
 * @param source Null: the run has written nothing (yet).
 * @throws EngineError OFFSET_OUT_OF_RANGE; the signal's reason.
 */
export async function startOffset(
  source: OutputSource | null,
  start: OutputStart,
  streams: readonly OutputStreamName[],
  signal?: AbortSignal,
): Promise<number> {
  const position = await positionOffset(source, start.position, streams, signal);
  if (source === null || start.since === null) return position;
  return Math.max(position, source.offsetSince(start.since));
}

async function positionOffset(
  source: OutputSource | null,
  position: OutputStart["position"],
  streams: readonly OutputStreamName[],
  signal?: AbortSignal,
): Promise<number> {
  switch (position.kind) {
    case "offset": {
      const next = source?.look().nextOffset ?? 0;
      checkOffset(position.offset, next);
      return position.offset;
    }
    case "tailBytes": {
      if (source === null) return 0;
      const { firstOffset, nextOffset } = source.look();
      return Math.max(firstOffset, nextOffset - Math.max(0, position.bytes));
    }
    case "tailLines":
      return source === null ? 0 : await source.tailLines(position.lines, streams, signal);
  }
}

/** @throws EngineError OFFSET_OUT_OF_RANGE */
export function checkOffset(offset: number, next: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0 && offset <= next) return;
  throw new EngineError("OFFSET_OUT_OF_RANGE", `offset ${offset} lies beyond the end of the output, ${next}`, {
    offset: String(offset),
    next_offset: String(next),
  });
}
