import { readFileSync } from "node:fs";

const most = 32_768;

/**
 * Descriptors that one kind of thing may keep open for speed: a quarter of what
 * this process may open, so that connections and output always find room.
 */
export function descriptorShare(): number {
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  return Math.min(most, Math.floor(Number(soft ?? 1024) / 4));
}
