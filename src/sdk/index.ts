/** The public surface of the SDK. */
export {
  type Context,
  type Contexts,
  contextsPath,
  localContext,
  readContexts,
} from "./context/contexts.ts";
export {
  type ConnectOptions,
  type ConnectTransport,
  type Credentials,
  defaultSocketPath,
  type TlsOptions,
} from "./endpoint.ts";
export {
  type ClientErrorReason,
  type ContractErrorReason,
  PmError,
  type PmErrorReason,
  type StatusCode,
} from "./errors.ts";
export { toContractJson } from "./json/origins.ts";
export { ProcessManager } from "./manager.ts";
export type { Daemon } from "./namespaces/daemon.ts";
export type { Events } from "./namespaces/events.ts";
export type { Processes } from "./namespaces/processes.ts";
export type { Projects } from "./namespaces/projects.ts";
export type { Queues } from "./namespaces/queues.ts";
export type { Schedules } from "./namespaces/schedules.ts";
export { Process } from "./process.ts";
export type { BytesOptions, OutputStream } from "./stream/output-stream.ts";
export type * from "./types.ts";
