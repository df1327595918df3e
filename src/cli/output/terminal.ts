import type { Caller } from "../caller.ts";

const defaultColumns = 80;

/** Columns of the terminal that standard output goes to; undefined if it goes elsewhere. */
export function terminalColumns({ terminal }: Caller): number | undefined {
  return terminal.stdout ? (terminal.size?.columns ?? defaultColumns) : undefined;
}
