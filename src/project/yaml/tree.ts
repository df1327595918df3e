/** What stands in a project file, with the place of each thing in it. */

/** Where something stands; both are counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type Value = MapValue | ListValue | ScalarValue;

export interface MapValue {
  readonly kind: "map";
  readonly place: Place;
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly key: string;
  readonly place: Place;
  readonly value: Value;
}

export interface ListValue {
  readonly kind: "list";
  readonly place: Place;
  readonly items: readonly Value[];
}

export interface ScalarValue {
  readonly kind: "scalar";
  readonly place: Place;
  readonly value: string | number | bigint | boolean | null;
  /** As it was written, without quotes. */
  readonly text: string;
}

/** Something that is wrong in a file. */
export interface Problem {
  readonly place: Place;
  readonly message: string;
}

/** A file that cannot be used, with everything that is wrong in it. */
export class ProjectFileError extends Error {
  override readonly name = "ProjectFileError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

/** "pm.yaml:3:5: unknown field"; without a place of what is about no line, such as a file that is missing. */
export function formatProblem({ place, message }: Problem): string {
  return place.line === 0 ? message : `${place.file}:${place.line}:${place.column}: ${message}`;
}

export function entryOf(map: MapValue, key: string): Entry | undefined {
  return map.entries.find((entry) => entry.key === key);
}

/** For texts of errors. */
export function describeKind(value: Value): string {
  if (value.kind !== "scalar") {
    return value.kind === "map" ? "a mapping" : "a list";
  }
  return value.value === null
    ? "nothing"
    : JSON.stringify(value.text.length > 60 ? `${value.text.slice(0, 60)}…` : value.text);
}
