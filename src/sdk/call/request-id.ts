/** Ids for requests that must not be carried out twice. */

let count = 0;

/**
 * An id that no other client makes up: not a secret, only distinct. Without node:crypto, which takes longer to load than
 * a call takes.
 */
export function newRequestId(): string {
  count += 1;
  const random = (): string => Math.floor(Math.random() * 2 ** 48).toString(36);
  return `${process.pid.toString(36)}-${Date.now().toString(36)}-${count.toString(36)}-${random()}-${random()}`;
}
