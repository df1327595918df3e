import type { Entry, Value } from "./tree.ts";

/**
 * Two files as one: where both have a mapping, key by key; else what the second
 * says. "key: null" takes away what the first said.
 */
export function mergeValues(base: Value, over: Value): Value {
  if (base.kind !== "map" || over.kind !== "map") {
    return over;
  }
  const entries = new Map<string, Entry>(base.entries.map((entry) => [entry.key, entry]));
  for (const entry of over.entries) {
    const before = entries.get(entry.key);
    if (entry.value.kind === "scalar" && entry.value.value === null && before !== undefined) {
      entries.delete(entry.key);
    } else {
      entries.set(
        entry.key,
        before === undefined ? entry : { ...entry, value: mergeValues(before.value, entry.value) },
      );
    }
  }
  return { kind: "map", place: over.place, entries: [...entries.values()] };
}
