import { execFile } from "node:child_process";
import { CommandError } from "../errors.ts";

/** @throws CommandError with what systemctl said */
export async function runSystemctl(system: boolean, args: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile("systemctl", [...(system ? [] : ["--user"]), ...args], (error, _output, said) => {
      if (error === null) {
        resolve();
        return;
      }
      const missing = error.code === "ENOENT";
      reject(
        new CommandError(missing ? "there is no systemctl here" : `systemctl ${args.join(" ")}: ${said.trim()}`, {
          hint: missing ? "--print shows the unit, for another supervisor to be taught from" : undefined,
          cause: error,
        }),
      );
    });
  });
}
