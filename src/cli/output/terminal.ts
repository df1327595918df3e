import { isatty } from "node:tty";

const defaultColumns = 80;

/** Columns of the terminal that standard output goes to; undefined if it goes elsewhere. */
export function terminalColumns(): number | undefined {
  return isatty(1) ? process.stdout.columns || defaultColumns : undefined;
}
