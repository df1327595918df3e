/** Acting on several processes at once. */
import { type Caller, endsCommand } from "./caller.ts";
import { exitCodeOf, formatError } from "./errors.ts";

/** How many calls are under way at the same time. */
const concurrency = 16;

/**
 * Acts on each target, some at a time. Each failure is reported on standard
 * error as it happens and stops none of the others. An action resolves with
 * its own exit code.
 *
 * @returns the greatest of the exit codes
 */
export async function forEachTarget(
  caller: Caller,
  targets: readonly string[],
  debug: boolean,
  act: (target: string) => Promise<number>,
): Promise<number> {
  const queue = [...new Set(targets)].values();
  let worst = 0;
  const worker = async (): Promise<void> => {
    for (const target of queue) {
      let code: number;
      try {
        code = await act(target);
      } catch (error) {
        if (endsCommand(error)) {
          throw error;
        }
        caller.note(formatError(error, debug));
        code = exitCodeOf(error);
      }
      worst = Math.max(worst, code);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, targets.length) }, worker));
  return worst;
}
