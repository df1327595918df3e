/** Errors as a daemon answers them. */
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { type StatusCode, statusCodes } from "../common/error-reasons.ts";

/** A reason of the contract (`ErrorReason`, without its prefix). */
export type FakeReason = keyof typeof statusCodes;

const codes: Readonly<Record<StatusCode, Code>> = {
  canceled: Code.Canceled,
  unknown: Code.Unknown,
  invalid_argument: Code.InvalidArgument,
  deadline_exceeded: Code.DeadlineExceeded,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  permission_denied: Code.PermissionDenied,
  resource_exhausted: Code.ResourceExhausted,
  failed_precondition: Code.FailedPrecondition,
  aborted: Code.Aborted,
  out_of_range: Code.OutOfRange,
  unimplemented: Code.Unimplemented,
  internal: Code.Internal,
  unavailable: Code.Unavailable,
  data_loss: Code.DataLoss,
  unauthenticated: Code.Unauthenticated,
};

/**
 * An error to throw in a handler, as a daemon would.
 *
 * @param metadata what the reason's comment in the contract lists
 */
export function reasonError(reason: FakeReason, message: string, metadata: Record<string, string> = {}): Error {
  const detail = { desc: ErrorInfoSchema, value: { reason, domain: "pm", metadata } };
  return new ConnectError(message, codes[statusCodes[reason]], undefined, [detail]);
}
