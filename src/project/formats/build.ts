/** Makes the values of a pm.yaml out of another format, each with the place in the other file that it comes from. */
import type { Entry, MapValue, Place, Problem, Value } from "../yaml/tree.ts";

/** What could not be carried over, or is not quite the same. */
export type Note = Problem;

/** Another format as the pm.yaml that it is equivalent to. */
export interface Translation {
  readonly value: Value;
  readonly notes: readonly Note[];
}

/** What can be made a value: itself, a plain value, or a list or a mapping of these; undefined fields are left out. */
export type Plain =
  | Value
  | string
  | number
  | boolean
  | readonly Plain[]
  | { readonly [key: string]: Plain | undefined };

export function valueAt(place: Place, plain: Plain): Value {
  if (typeof plain !== "object") {
    return { kind: "scalar", place, value: plain, text: String(plain) };
  }
  if (isList(plain)) {
    return { kind: "list", place, items: plain.map((item) => valueAt(place, item)) };
  }
  if (isValue(plain)) {
    return plain;
  }
  return mapAt(
    place,
    Object.entries(plain).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])),
  );
}

/** A mapping whose keys are not this program's to choose: "__proto__" is one like any other. */
export function mapAt(place: Place, entries: Iterable<readonly [key: string, value: Plain]>): MapValue {
  const made = Array.from(entries, ([key, value]): Entry => {
    const converted = valueAt(place, value);
    return { key, place: converted.place, value: converted };
  });
  return { kind: "map", place, entries: made };
}

function isList(plain: object): plain is readonly Plain[] {
  return Array.isArray(plain);
}

function isValue(plain: object): plain is Value {
  return "kind" in plain && "place" in plain && ["map", "list", "scalar"].includes(String(plain.kind));
}

/** Names of other tools made names of ours: what is not allowed becomes "_". */
export function asName(name: string): string {
  const cleaned = name.replace(/[^A-Za-z0-9._-]/g, "_");
  return (/^[A-Za-z_]/.test(cleaned) ? cleaned : `_${cleaned}`).slice(0, 63);
}
