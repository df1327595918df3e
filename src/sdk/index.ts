/** The public surface of the SDK. */
export { type ConnectOptions, type Credentials, defaultSocketPath, type TlsOptions } from "./endpoint.ts";
export {
  type ClientErrorReason,
  type ContractErrorReason,
  PmError,
  type PmErrorReason,
  type StatusCode,
} from "./errors.ts";
export { toContractJson } from "./json/process.ts";
export { ProcessManager } from "./manager.ts";
export type { BytesOptions, OutputStream } from "./output-stream.ts";
export { Process } from "./process.ts";
export type * from "./types.ts";
