import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseDocument, visit } from "yaml";
import type { Entry, MapValue, Place, Problem, Value } from "./tree.ts";
import { ProjectFileError } from "./tree.ts";

/** A file of 1000 processes with everything that can be said of each is smaller. */
const maxBytes = 4 * 1024 * 1024;
/** How many values a file may come to once its aliases are followed. */
const maxValues = 200_000;
const maxDepth = 64;
const maxProblems = 20;

/**
 * The values of a YAML file (JSON is YAML) with their places. Anchors, aliases
 * and merge keys ("<<") are followed.
 *
 * @param file Its name, for places.
 * @param duplicates Told keys that stand twice in a mapping, of which the last counts. Default: they are mistakes.
 * @throws ProjectFileError
 */
export function parseYaml(text: string, file: string, duplicates?: Problem[]): Value {
  const lines = new LineCounter();
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (Buffer.byteLength(text) > maxBytes) {
    throw new ProjectFileError([
      { place: { file, line: 1, column: 1 }, message: `a project file must not be larger than ${maxBytes >> 20} MiB` },
    ]);
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    intAsBigInt: false,
    version: "1.2",
  });
  const problems: Problem[] = document.errors.map((error) => ({
    place: placeOf(error.pos[0]),
    message: explain(error.code, error.message),
  }));
  const areDuplicates = document.errors.every((error) => error.code === "DUPLICATE_KEY");
  if (areDuplicates && duplicates !== undefined) {
    duplicates.push(...problems.map(({ place, message }) => ({ place, message: `${message}; the last one counts` })));
  } else if (problems.length > 0) {
    // After an error of syntax the rest is read in a way that nobody meant.
    throw new ProjectFileError(problems.slice(0, areDuplicates ? maxProblems : 1));
  }

  const anchors = new Map<string, Node>();
  const aliases = new Map<Node, Node>();
  // An alias means the anchor of its name that stands before it.
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) {
          aliases.set(node, target);
        }
      } else if (node.anchor !== undefined && node.anchor !== "") {
        anchors.set(node.anchor, node);
      }
    },
  });

  let values = 0;
  const fail = (place: Place, message: string): never => {
    throw new ProjectFileError([{ place, message }]);
  };

  const convert = (node: Node | null, fallback: Place, depth: number): Value => {
    const place = node?.range ? placeOf(node.range[0]) : fallback;
    if (++values > maxValues) {
      fail(place, `this file comes to more than ${maxValues} values when its aliases are followed`);
    }
    if (depth > maxDepth) {
      fail(place, `nested deeper than ${maxDepth} levels`);
    }
    if (node === null) {
      return { kind: "scalar", place, value: null, text: "" };
    }
    if (isAlias(node)) {
      const target = aliases.get(node);
      return target === undefined
        ? fail(place, `there is no anchor "&${node.source}" before this`)
        : { ...convert(target, place, depth + 1), place };
    }
    if (isMap<ParsedNode, ParsedNode | null>(node)) {
      return convertMap(node.items, place, depth);
    }
    if (isSeq<ParsedNode>(node)) {
      return { kind: "list", place, items: node.items.map((item) => convert(item, place, depth + 1)) };
    }
    if (isScalar(node)) {
      const { value } = node;
      const plain = value === null || ["string", "number", "bigint", "boolean"].includes(typeof value);
      const known = plain ? (value as string | number | bigint | boolean | null) : String(value);
      const text = typeof known === "string" ? known : (node.source ?? String(known ?? ""));
      return { kind: "scalar", place, value: known, text };
    }
    return fail(place, "this is no mapping, list or value");
  };

  const convertMap = (
    items: readonly { key: ParsedNode; value: ParsedNode | null }[],
    place: Place,
    depth: number,
  ): MapValue => {
    const entries = new Map<string, Entry>();
    const merged: MapValue[] = [];
    for (const { key, value } of items) {
      const keyPlace = key.range ? placeOf(key.range[0]) : place;
      if (!isScalar(key)) {
        return fail(keyPlace, "a key must be a plain word");
      }
      const name = typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
      const converted = convert(value, keyPlace, depth + 1);
      if (name === "<<") {
        merged.push(...mergeSources(converted, keyPlace));
      } else {
        entries.set(name, { key: name, place: keyPlace, value: converted });
      }
    }
    // What stands in the mapping itself comes before what is merged in, and the first source before the next.
    for (const source of merged) {
      for (const entry of source.entries) {
        if (!entries.has(entry.key)) {
          entries.set(entry.key, entry);
        }
      }
    }
    return { kind: "map", place, entries: [...entries.values()] };
  };

  const mergeSources = (value: Value, place: Place): readonly MapValue[] => {
    const sources = value.kind === "list" ? value.items : [value];
    return sources.map((source) =>
      source.kind === "map" ? source : fail(place, "<< must be a mapping or a list of them"),
    );
  };

  return convert(document.contents, placeOf(0), 0);
}

/** The library's words, where ours say more. */
function explain(code: string, message: string): string {
  switch (code) {
    case "TAB_AS_INDENT":
      return "indentation must be spaces; this is a tab";
    case "DUPLICATE_KEY":
      return "this key is there already";
    default:
      return message.replace(/\n.*/s, "");
  }
}
