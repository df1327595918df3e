import { main } from "./main.ts";
import { ownCaller } from "./own-caller.ts";

/** Runs the command line that this process was called with, and ends the process. */
export function runHere(): void {
  // Not `process.exitCode`: an open connection must not keep a finished command alive.
  main(ownCaller(process)).then((code) => process.exit(code));
}
