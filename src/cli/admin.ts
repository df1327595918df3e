/** Runs what changes files of this machine, and turns its failures into the command line's. */
import type * as Admin from "../admin/index.ts";
import { ExitCode } from "../common/exit-codes.ts";
import { CommandError } from "./errors.ts";

const exitCodes = { usage: ExitCode.usage, notFound: ExitCode.notFound, conflict: ExitCode.conflict } as const;

/** @throws CommandError */
export async function withAdmin<T>(action: (admin: typeof Admin) => T | Promise<T>): Promise<T> {
  const admin = await import("../admin/index.ts");
  try {
    return await action(admin);
  } catch (error) {
    if (error instanceof admin.AdminError) {
      throw new CommandError(error.message, { exitCode: exitCodes[error.kind], hint: error.hint, cause: error });
    }
    throw error;
  }
}
