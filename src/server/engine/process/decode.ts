/** A value that is not what it must be; the message names it. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

export type Fields = Readonly<Record<string, unknown>>;

/** One function for each kind of value: what it is asked for by name, checked. */
export function object(fields: Fields, key: string): Fields {
  const value = fields[key];
  if (isFields(value)) return value;
  throw new DecodeError(`${key} is no object`);
}

export function list<T>(fields: Fields, key: string, decode: (item: Fields) => T): T[] {
  const value = fields[key];
  if (!Array.isArray(value)) throw new DecodeError(`${key} is no list`);
  return value.map((item) => decode({ item }));
}

export function objects<T>(fields: Fields, key: string, decode: (item: Fields) => T): T[] {
  const value = fields[key];
  if (!Array.isArray(value)) throw new DecodeError(`${key} is no list`);
  return value.map((item) => {
    if (isFields(item)) return decode(item);
    throw new DecodeError(`${key} holds something that is no object`);
  });
}

export function optional<T>(fields: Fields, key: string, decode: (fields: Fields, key: string) => T): T | null {
  return fields[key] === null || fields[key] === undefined ? null : decode(fields, key);
}

export function string(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value === "string") return value;
  throw new DecodeError(`${key} is no text`);
}

export function boolean(fields: Fields, key: string): boolean {
  const value = fields[key];
  if (typeof value === "boolean") return value;
  throw new DecodeError(`${key} is neither true nor false`);
}

export function integer(fields: Fields, key: string): number {
  const value = fields[key];
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new DecodeError(`${key} is no whole number`);
}

export function count(fields: Fields, key: string): number {
  const value = integer(fields, key);
  if (value >= 0) return value;
  throw new DecodeError(`${key} is negative`);
}

/** 64-bit numbers are decimal strings. */
export function bigint(fields: Fields, key: string): bigint {
  const value = fields[key];
  if (typeof value === "string" && /^\d{1,20}$/.test(value)) return BigInt(value);
  throw new DecodeError(`${key} is no decimal number`);
}

export function oneOf<T extends string>(fields: Fields, key: string, values: readonly T[]): T {
  const value = fields[key];
  const found = values.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new DecodeError(`${key} is none of ${values.join(", ")}`);
}

export function strings(fields: Fields, key: string): Record<string, string> {
  const value = object(fields, key);
  return Object.fromEntries(Object.keys(value).map((name) => [name, string(value, name)]));
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
