/** What went wrong, and what to do about it, in one line. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const hint = "hint" in error && typeof error.hint === "string" ? ` (${error.hint})` : "";
  return `${error.message}${hint}`;
}

/** The reason of an SDK error; "" for any other. */
export function errorReason(error: unknown): string {
  return error instanceof Error && "reason" in error && typeof error.reason === "string" ? error.reason : "";
}

/** Whether the daemon could not be asked, or its answer did not come. */
export function isConnectionError(error: unknown): boolean {
  return ["UNREACHABLE", "DISCONNECTED"].includes(errorReason(error));
}
