/** `process-manager/testing`: a fake daemon, and its errors, for tests of programs that use pm. */
export { type FakeReason, reasonError } from "./errors.ts";
export { FakeDaemon, type FakeDaemonOptions } from "./fake-daemon.ts";
export type { FakeExit, FakeProcess, FakeProgram } from "./fake-process.ts";
