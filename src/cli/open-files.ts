/**
 * The soft limit of open files (RLIMIT_NOFILE) that `pm` was called with, as the launcher says it: Node.js has raised
 * its own to the hard one, and processes shall not inherit that. Programs that use select(2), or close every descriptor
 * up to the limit, suffer from a high one.
 *
 * Takes the variable out of the environment: it is for this process alone.
 *
 * @returns undefined where there was no launcher
 */
export function takeOpenFiles(env: NodeJS.ProcessEnv): bigint | undefined {
  const { PM_OPEN_FILES: text } = env;
  delete env["PM_OPEN_FILES"];
  return text !== undefined && /^\d+$/.test(text) ? BigInt(text) : undefined;
}
