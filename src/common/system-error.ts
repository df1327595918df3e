import { getSystemErrorMessage } from "node:util";

/** What the system says, for people: "no such file or directory (ENOENT)". */
export function systemErrorText(error: unknown): string {
  const { code = "unknown error", errno } = error as NodeJS.ErrnoException;
  return errno === undefined ? code : `${getSystemErrorMessage(errno)} (${code})`;
}
