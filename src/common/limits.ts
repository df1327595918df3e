/** Bounds of the contract that more than one side checks. */

/** The least output that a run keeps (`OutputPolicy.limit_bytes`). */
export const minOutputLimitBytes = 4096;
