import { mostSimilar } from "../../../common/similar.ts";
import type { ProcessRef } from "../api/process.ts";
import { EngineError } from "../errors.ts";

/** What a reference is looked up in. */
export interface ReferenceIndex<P extends { readonly id: string }> {
  byId(id: string): P | undefined;
  byName(name: string): P | undefined;
  names(): Iterable<string>;
}

/**
 * The process that a reference means.
 *
 * @throws EngineError PROCESS_NOT_FOUND, with a name that may have been meant
 */
export function resolveReference<P extends { readonly id: string }>(index: ReferenceIndex<P>, ref: ProcessRef): P {
  const found = ref.id === undefined ? index.byName(ref.name) : index.byId(ref.id);
  if (found !== undefined) return found;
  const id = ref.id ?? ref.name;
  const suggestion = ref.id === undefined ? mostSimilar(ref.name, index.names()) : undefined;
  throw new EngineError(
    "PROCESS_NOT_FOUND",
    `no process ${JSON.stringify(id)}`,
    suggestion === undefined ? { id } : { id, suggestion },
  );
}
