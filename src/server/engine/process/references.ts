import { EngineError } from "../errors.ts";

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const namePattern = /^[A-Za-z_][A-Za-z0-9._-]{0,62}$/;
const maxCandidates = 10;

/** What a reference is looked up in. */
export interface ReferenceIndex<P extends { readonly id: string }> {
  byId(id: string): P | undefined;
  byName(name: string): P | undefined;
  ids(): Iterable<string>;
  names(): Iterable<string>;
}

export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

export function isName(text: string): boolean {
  return namePattern.test(text);
}

/** Whether `text` is the first four or more characters of some UUID. */
function isPrefix(text: string): boolean {
  const model = "00000000-0000-0000-0000-000000000000";
  return text.length >= 4 && text.length < model.length && uuidPattern.test(text + model.slice(text.length));
}

/**
 * The process that a reference means: a UUID, a name, or an unambiguous prefix
 * of a UUID, in this order.
 */
export function resolveReference<P extends { readonly id: string }>(index: ReferenceIndex<P>, reference: string): P {
  const lower = reference.toLowerCase();
  if (isUuid(lower)) {
    const found = index.byId(lower);
    if (found !== undefined) return found;
    throw new EngineError("PROCESS_NOT_FOUND", `no process ${quote(reference)}`, { id: reference });
  }
  const named = isName(reference) ? index.byName(reference) : undefined;
  if (named !== undefined) return named;
  const prefix = isPrefix(lower);
  if (!prefix && !isName(reference)) {
    throw new EngineError(
      "INVALID_ID",
      `${quote(reference)} is not a process reference: give a UUID, its first four or more characters, or a name`,
      { id: shorten(reference) },
    );
  }
  if (prefix) {
    const candidates: string[] = [];
    for (const id of index.ids()) {
      if (id.startsWith(lower)) candidates.push(id);
    }
    const first = candidates[0];
    if (first !== undefined && candidates.length === 1) {
      const found = index.byId(first);
      if (found !== undefined) return found;
    }
    if (candidates.length > 1) {
      throw new EngineError(
        "PROCESS_AMBIGUOUS",
        `${candidates.length} processes begin with ${lower}: give more characters of the id`,
        { id: reference, candidates: candidates.sort().slice(0, maxCandidates).join(",") },
      );
    }
  }
  const suggestion = similarName(index.names(), reference);
  throw new EngineError(
    "PROCESS_NOT_FOUND",
    `no process ${quote(reference)}`,
    suggestion === undefined ? { id: reference } : { id: reference, suggestion },
  );
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
