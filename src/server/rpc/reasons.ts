/** The status code with which each of the contract's reasons travels. */
import type { Code } from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import { type ContractErrorReason, type StatusCode, statusCodes } from "../../common/error-reasons.ts";

/** Names of `pm.v1.ErrorReason` without the prefix. */
export type Reason = ContractErrorReason;

/** A start that failed because the machine lacked something, rather than because of the spec. */
const exhaustedErrnos = new Set(["EAGAIN", "ENOMEM", "ENOSPC", "EMFILE", "ENFILE", "EDQUOT"]);

export function codeOf(reason: Reason, metadata: Readonly<Record<string, string>>): Code {
  const isExhausted = reason === "START_FAILED" && exhaustedErrnos.has(metadata["errno_name"] ?? "");
  return codes[isExhausted ? "resource_exhausted" : statusCodes[reason]];
}

const codes = Object.fromEntries(
  Object.values(statusCodes).map((status) => [status, codeFromString(status)]),
) as Readonly<Record<StatusCode, Code>>;
