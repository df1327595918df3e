import { stringify } from "yaml";
import type { Translation } from "./formats/build.ts";
import { formatProblem, type Value } from "./yaml/tree.ts";

/** A pm.yaml of what was read, with what could not be carried over on top of it. */
export function writePmYaml({ value, notes }: Translation): string {
  const comments = notes.map((note) => `# ${formatProblem(note).replace(/\s+/g, " ")}\n`);
  const head = comments.length === 0 ? "" : `# Not carried over:\n${comments.join("")}\n`;
  return head + stringify(plainOf(value), { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Maps, as the library keeps their order and every key. */
function plainOf(value: Value): unknown {
  switch (value.kind) {
    case "scalar":
      return value.value;
    case "list":
      return value.items.map(plainOf);
    case "map":
      return new Map(value.entries.map((entry) => [entry.key, plainOf(entry.value)]));
  }
}
