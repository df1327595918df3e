import { mkdirSync } from "node:fs";

/** @throws a Node system error */
export function prepareStateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}
