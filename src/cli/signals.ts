/** Signals that people send, for completion. The daemon knows the rest too. */
export const signalNames: readonly string[] = [
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
  "SIGKILL",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGSTOP",
  "SIGCONT",
  "SIGWINCH",
  "SIGPIPE",
  "SIGALRM",
  "SIGABRT",
];
