/** What the exit codes of `pm` mean. */
export const ExitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  unreachable: 4,
  conflict: 5,
  timeout: 6,
  /** Of `run`, `attach` and `wait`: pm itself failed. */
  runFailed: 125,
  /** Of `run`: the program was found and could not be executed. */
  notExecutable: 126,
  /** Of `run`: the program was not found. */
  commandNotFound: 127,
  /** Added to the number of the signal that ended a process. */
  signalBase: 128,
} as const;
