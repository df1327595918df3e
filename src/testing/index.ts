/** `process-manager/testing`: a fake daemon for tests of programs that use pm. */
export { FakeDaemon, type FakeDaemonOptions } from "./fake-daemon.ts";
export type { FakeExit, FakeProcess, FakeProgram } from "./fake-process.ts";
