/**
 * What the contract's comments say about ids, names, labels and references
 * (proto/pm/v1), for the daemon that checks and the clients that tell one from
 * another.
 */

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const namePattern = /^[A-Za-z_][A-Za-z0-9._-]{0,62}$/;
const labelKeyPattern = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;
const labelValuePattern = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
const anyUuid = "00000000-0000-0000-0000-000000000000";

/** The least number of characters of an id prefix. */
export const minIdPrefixLength = 4;

/** The most characters of an id prefix: with one more it is a UUID. */
export const maxIdPrefixLength = anyUuid.length - 1;

/** The most labels that a process has. */
export const maxLabels = 64;

/** What a name must be, for error texts. */
export const nameRule = 'a letter or "_", then up to 62 letters, digits, ".", "_" or "-", and not a UUID';

/** Whether `text` is a UUID, in upper or lower case. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** Whether a process may have this name. A UUID is none: it would hide the process that has it for its id. */
export function isName(text: string): boolean {
  return namePattern.test(text) && !isUuid(text);
}

/** Whether `text` is the first 4 to 35 characters of some UUID. */
export function isIdPrefix(text: string): boolean {
  return (
    text.length >= minIdPrefixLength && text.length <= maxIdPrefixLength && isUuid(text + anyUuid.slice(text.length))
  );
}

export function isLabelKey(text: string): boolean {
  return labelKeyPattern.test(text);
}

export function isLabelValue(text: string): boolean {
  return labelValuePattern.test(text);
}
