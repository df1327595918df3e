import type { ProcessRef } from "../api/process.ts";
import { EngineError } from "../errors.ts";

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const namePattern = /^[A-Za-z_][A-Za-z0-9._-]{0,62}$/;

/** What a reference is looked up in. */
export interface ReferenceIndex<P extends { readonly id: string }> {
  byId(id: string): P | undefined;
  byName(name: string): P | undefined;
  names(): Iterable<string>;
}

/** In lower case. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

export function isName(text: string): boolean {
  return namePattern.test(text);
}

/** The process that a reference means. */
export function resolveReference<P extends { readonly id: string }>(index: ReferenceIndex<P>, ref: ProcessRef): P {
  const found = ref.id === undefined ? byName(index, ref.name) : byId(index, ref.id);
  if (found !== undefined) return found;
  const reference = ref.id ?? ref.name;
  const suggestion = ref.id === undefined ? similarName(index.names(), ref.name) : undefined;
  throw new EngineError(
    "PROCESS_NOT_FOUND",
    `no process ${quote(reference)}`,
    suggestion === undefined ? { id: reference } : { id: reference, suggestion },
  );
}

function byId<P extends { readonly id: string }>(index: ReferenceIndex<P>, id: string): P | undefined {
  const lower = id.toLowerCase();
  if (!isUuid(lower)) throw new EngineError("INVALID_ID", `${quote(id)} is no UUID`, { id: shorten(id) });
  return index.byId(lower);
}

function byName<P extends { readonly id: string }>(index: ReferenceIndex<P>, name: string): P | undefined {
  if (!isName(name)) throw new EngineError("INVALID_ID", `${quote(name)} is no valid name`, { id: shorten(name) });
  return index.byName(name);
}

function quote(text: string): string {
  return JSON.stringify(shorten(text));
}

function shorten(text: string): string {
  return text.length <= 64 ? text : `${text.slice(0, 61)}...`;
}

/** The name nearest to `wanted`, if it is near enough to be a slip of the keyboard. */
function similarName(names: Iterable<string>, wanted: string): string | undefined {
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const name of names) {
    if (Math.abs(name.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(name.toLowerCase(), wanted.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
