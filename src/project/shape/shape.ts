/**
 * What may stand where in a project file, said once: it reads values with
 * errors that name their place, and it describes itself as JSON Schema for
 * editors.
 */
import { durationExamples, parseDuration, parseSize, sizeExamples } from "../../common/quantities.ts";
import { mostSimilar } from "../../common/similar.ts";
import { InterpolationError, interpolate, type Variables } from "../variables/interpolate.ts";
import { describeKind, type Place, type Problem, type ScalarValue, type Value } from "../yaml/tree.ts";

/** What a reading finds on its way. */
export interface Reading {
  readonly variables: Variables;
  readonly problems: Problem[];
}

/** What a shape comes to. */
export type Read<S> = S extends Shape<infer T> ? T : never;

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Shape<T> {
  /** Undefined: it was wrong, and what is wrong was added to the problems. */
  read(value: Value, reading: Reading): T | undefined;
  schema(): JsonSchema;
}

/** A field of an object. */
export interface Field<T> {
  readonly shape: Shape<T>;
  readonly required: boolean;
  /** A description, or the contract's element whose comment is the description: "pm.v1.ProcessSpec.cwd". */
  readonly about: string;
}

export function field<T>(shape: Shape<T>, about: string): Field<T> & { readonly required: false } {
  return { shape, about, required: false };
}

export function required<T>(shape: Shape<T>, about: string): Field<T> & { readonly required: true } {
  return { shape, about, required: true };
}

type Fields = Readonly<Record<string, Field<unknown>>>;
type ReadField<F> = F extends Field<infer T> ? { readonly value: T; readonly place: Place } : never;
/** What an object's fields come to, each with its place. */
export type ReadFields<F extends Fields> = {
  readonly [K in keyof F]?: ReadField<F[K]>;
};

export function problem(reading: Reading, place: Place, message: string): undefined {
  reading.problems.push({ place, message });
  return undefined;
}

/** The text of a scalar with its variables replaced; undefined if it is none. */
function textOf(value: Value, reading: Reading, expected: string): string | undefined {
  if (value.kind !== "scalar" || value.value === null) {
    return problem(reading, value.place, `expected ${expected}, not ${describeKind(value)}`);
  }
  return interpolated(value, reading);
}

function interpolated(value: ScalarValue, reading: Reading): string | undefined {
  try {
    return interpolate(value.text, reading.variables);
  } catch (error) {
    if (error instanceof InterpolationError) {
      return problem(reading, value.place, error.message);
    }
    throw error;
  }
}

/** A text for which `parse` finds a meaning. */
function scalar<T>(expected: string, parse: (text: string) => T | undefined, schema: JsonSchema): Shape<T> {
  return {
    read(value, reading) {
      const text = textOf(value, reading, expected);
      if (text === undefined) {
        return undefined;
      }
      const parsed = parse(text);
      return parsed === undefined
        ? problem(reading, value.place, `expected ${expected}, not ${JSON.stringify(text.slice(0, 80))}`)
        : parsed;
    },
    schema: () => schema,
  };
}

/** Where a variable may stand, a schema takes a text as well. */
const variable = { type: "string", pattern: "\\$\\{" };

export function text(expected = "a text", accepts: (text: string) => boolean = () => true): Shape<string> {
  return scalar(
    expected,
    (value) => (!value.includes("\0") && value.isWellFormed() && accepts(value) ? value : undefined),
    { type: ["string", "number", "boolean"] },
  );
}

export function integer(min: number, max: number): Shape<number> {
  return scalar(
    `a whole number from ${min} to ${max}`,
    (value) => {
      const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN;
      return Number.isSafeInteger(number) && number >= min && number <= max ? number : undefined;
    },
    { anyOf: [{ type: "integer", minimum: min, maximum: max }, variable] },
  );
}

export function decimal(min: number, max: number): Shape<number> {
  return scalar(
    `a number from ${min} to ${max}`,
    (value) => {
      const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
      return number >= min && number <= max ? number : undefined;
    },
    { anyOf: [{ type: "number", minimum: min, maximum: max }, variable] },
  );
}

export function flag(): Shape<boolean> {
  return scalar("true or false", (value) => ({ true: true, false: false })[value], {
    anyOf: [{ type: "boolean" }, variable],
  });
}

/** Milliseconds. */
export function duration(minMs: number, maxMs: number): Shape<number> {
  return scalar(
    `a duration such as ${durationExamples}, from ${spoken(minMs)} to ${spoken(maxMs)}`,
    (value) => {
      const millis = parseDuration(value);
      return millis !== undefined && millis >= minMs && millis <= maxMs ? Math.ceil(millis) : undefined;
    },
    { type: ["string", "number"] },
  );
}

/** Bytes. */
export function size(minBytes: number): Shape<number> {
  return scalar(
    `a size such as ${sizeExamples}${minBytes > 1 ? `, at least ${minBytes} bytes` : ""}`,
    (value) => {
      const bytes = parseSize(value);
      return bytes !== undefined && bytes >= minBytes ? bytes : undefined;
    },
    { type: ["string", "integer"] },
  );
}

export function choice<const T extends string>(...words: readonly T[]): Shape<T> {
  return {
    read(value, reading) {
      const given = textOf(value, reading, `one of ${words.join(", ")}`);
      if (given === undefined) {
        return undefined;
      }
      const word = words.find((candidate) => candidate === given);
      if (word !== undefined) {
        return word;
      }
      const similar = mostSimilar(given, words);
      const hint = similar === undefined ? "" : `; did you mean "${similar}"?`;
      return problem(
        reading,
        value.place,
        `expected one of ${words.join(", ")}, not ${JSON.stringify(given.slice(0, 80))}${hint}`,
      );
    },
    schema: () => ({ anyOf: [{ enum: words }, variable] }),
  };
}

export function list<T>(of: Shape<T>, maxItems = 10_000): Shape<readonly T[]> {
  return {
    read(value, reading) {
      if (value.kind !== "list") {
        return problem(reading, value.place, `expected a list, not ${describeKind(value)}`);
      }
      if (value.items.length > maxItems) {
        return problem(reading, value.place, `expected at most ${maxItems} items, not ${value.items.length}`);
      }
      return value.items.map((item) => of.read(item, reading)).filter((item) => item !== undefined);
    },
    schema: () => ({ type: "array", items: of.schema(), maxItems }),
  };
}

/** A list, or one item without brackets. */
export function oneOrMore<T>(of: Shape<T>): Shape<readonly T[]> {
  const many = list(of);
  return {
    read(value, reading) {
      if (value.kind === "list") {
        return many.read(value, reading);
      }
      const one = of.read(value, reading);
      return one === undefined ? undefined : [one];
    },
    schema: () => ({ anyOf: [of.schema(), many.schema()] }),
  };
}

export interface Named<T> {
  readonly name: string;
  readonly place: Place;
  readonly value: T;
}

/** A mapping from names that the file makes up. */
export function named<T>(
  of: Shape<T>,
  expected: string,
  accepts: (name: string) => boolean,
): Shape<readonly Named<T>[]> {
  return {
    read(value, reading) {
      if (value.kind !== "map") {
        return problem(reading, value.place, `expected a mapping, not ${describeKind(value)}`);
      }
      return value.entries.flatMap((entry) => {
        if (!accepts(entry.key)) {
          problem(reading, entry.place, `${JSON.stringify(entry.key.slice(0, 80))} is no name: expected ${expected}`);
        }
        const read = of.read(entry.value, reading);
        return read === undefined ? [] : [{ name: entry.key, place: entry.place, value: read }];
      });
    },
    schema: () => ({ type: "object", additionalProperties: of.schema() }),
  };
}

/** A mapping of known fields. Fields that begin with "x-" are left alone: places for anchors. */
export function object<const F extends Fields>(fields: F, what: string): Shape<ReadFields<F>> {
  const names = Object.keys(fields);
  return {
    read(value, reading) {
      if (value.kind !== "map") {
        return problem(reading, value.place, `expected a mapping (${what}), not ${describeKind(value)}`);
      }
      const found: Record<string, unknown> = {};
      for (const entry of value.entries) {
        const known = Object.hasOwn(fields, entry.key) ? fields[entry.key] : undefined;
        if (known === undefined) {
          if (!entry.key.startsWith("x-")) {
            const similar = mostSimilar(entry.key, names);
            const hint = similar === undefined ? `; it has ${names.join(", ")}` : `; did you mean "${similar}"?`;
            problem(reading, entry.place, `${what} has no field ${JSON.stringify(entry.key.slice(0, 80))}${hint}`);
          }
        } else if (entry.value.kind !== "scalar" || entry.value.value !== null) {
          const read = known.shape.read(entry.value, reading);
          if (read !== undefined) {
            found[entry.key] = { value: read, place: entry.value.place };
          }
        }
      }
      for (const [name, known] of Object.entries(fields)) {
        if (known.required && !value.entries.some((entry) => entry.key === name)) {
          problem(reading, value.place, `${what} needs "${name}"`);
        }
      }
      return found as ReadFields<F>;
    },
    schema: () => ({
      type: "object",
      properties: Object.fromEntries(
        Object.entries(fields).map(([name, known]) => [name, { ...known.shape.schema(), description: known.about }]),
      ),
      patternProperties: { "^x-": true },
      additionalProperties: false,
      ...(Object.values(fields).some((known) => known.required)
        ? { required: names.filter((name) => fields[name]?.required) }
        : {}),
    }),
  };
}

/** Something that can be said in several ways, told apart by what stands there. */
export function either<const P extends { readonly [K in Value["kind"]]?: Shape<unknown> }>(
  shapes: P,
): Shape<Read<P[keyof P]>> {
  const kinds = { scalar: "a value", list: "a list", map: "a mapping" };
  return {
    read(value, reading) {
      const shape = (shapes as { readonly [K in Value["kind"]]?: Shape<Read<P[keyof P]>> })[value.kind];
      if (shape === undefined) {
        const expected = Object.keys(shapes).map((kind) => kinds[kind as Value["kind"]]);
        return problem(reading, value.place, `expected ${expected.join(" or ")}, not ${describeKind(value)}`);
      }
      return shape.read(value, reading);
    },
    schema: () => ({ anyOf: Object.values<Shape<unknown>>(shapes).map((shape) => shape.schema()) }),
  };
}

/** A mapping that has exactly one of some fields; "name: false" is as good as none. */
export function exactlyOneOf<T>(fields: readonly string[], shape: Shape<T>, what: string): Shape<T> {
  return {
    read(value, reading) {
      const count =
        value.kind === "map"
          ? value.entries.filter(
              (entry) =>
                fields.includes(entry.key) &&
                (entry.value.kind !== "scalar" || (entry.value.value !== null && entry.value.value !== false)),
            ).length
          : 1;
      if (count !== 1) {
        const names = `${fields.slice(0, -1).join(", ")} and ${fields.at(-1)}`;
        problem(reading, value.place, `${what} needs exactly one of ${names}${count > 1 ? `, and has ${count}` : ""}`);
      }
      return shape.read(value, reading);
    },
    schema: () => shape.schema(),
  };
}

/** What was read, as something else; undefined from `convert` means that it has added what is wrong. */
export function mapped<T, U>(
  shape: Shape<T>,
  convert: (read: T, place: Place, reading: Reading) => U | undefined,
): Shape<U> {
  return {
    read(value, reading) {
      const read = shape.read(value, reading);
      return read === undefined ? undefined : convert(read, value.place, reading);
    },
    schema: () => shape.schema(),
  };
}

function spoken(millis: number): string {
  return millis % 3_600_000 === 0 && millis > 0
    ? `${millis / 3_600_000}h`
    : millis % 1000 === 0
      ? `${millis / 1000}s`
      : `${millis}ms`;
}
