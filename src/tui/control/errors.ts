/** What went wrong, and what to do about it, in one line. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if (errorReason(error) === "CONDITION_FAILED") {
    return conditionText("metadata" in error ? (error.metadata as Readonly<Record<string, string>>) : {});
  }
  const hint = "hint" in error && typeof error.hint === "string" ? ` (${error.hint})` : "";
  return `${error.message}${hint}`;
}

/** What is no longer as it was on the screen when it was asked about. */
function conditionText({ field, actual }: Readonly<Record<string, string>>): string {
  const what = field === "precondition.run" ? `it is in run ${actual} by now` : "it has changed meanwhile";
  return `${what}, and nothing was done`;
}

/** The reason of an SDK error, whose class the built dashboard does not share with what connects it; "" for any other. */
export function errorReason(error: unknown): string {
  return error instanceof Error && "reason" in error && typeof error.reason === "string" ? error.reason : "";
}

/** Whether the daemon could not be asked, or its answer did not come. */
export function isConnectionError(error: unknown): boolean {
  return ["UNREACHABLE", "DISCONNECTED"].includes(errorReason(error));
}
