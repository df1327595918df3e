import fc from "fast-check";
import { expect, test } from "vitest";
import { LightHeaders } from "../../../src/server/light-headers.ts";

const names = ["accept", "Accept", "b", "Set-Cookie", "x_1", "X-1", "", "a b", "ü", "a:"];
const values = ["1", " 1\t", "", "a, b", "\xff", "a\nb", "\0", "Ł", "\r\n1\n"];
const name = fc.constantFrom(...names);
const value = fc.constantFrom(...values);
type Step = readonly ["append" | "set", string, string] | readonly ["delete" | "get" | "has", string];
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constantFrom("append" as const, "set" as const), name, value),
  fc.tuple(fc.constantFrom("delete" as const, "get" as const, "has" as const), name),
);

/** What a step answers, or that it is refused. */
function outcome(headers: Headers, [method, ...args]: Step): unknown {
  try {
    return (headers[method] as (...args: string[]) => unknown).apply(headers, args);
  } catch (error) {
    return (error as Error).constructor.name;
  }
}

function shown(headers: Headers): unknown {
  const visited: unknown[] = [];
  headers.forEach((text, key) => {
    visited.push([key, text]);
  });
  return [
    [...headers],
    [...headers.entries()],
    [...headers.keys()],
    [...headers.values()],
    visited,
    headers.getSetCookie(),
  ];
}

test("does what Node.js's own do", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const light = new LightHeaders();
      const own = new Headers();
      for (const each of steps) expect(outcome(light, each)).toEqual(outcome(own, each));
      expect(shown(light)).toEqual(shown(own));
    }),
    { numRuns: 2000 },
  );
});

test("takes what Node.js's own take to begin with", () => {
  const own = new Headers([
    ["b", "1"],
    ["a", "2"],
    ["B", "3"],
    ["set-cookie", "x=1"],
    ["set-cookie", "y=2"],
  ]);
  expect(shown(new LightHeaders(own))).toEqual(shown(own));
  expect(shown(new LightHeaders(new LightHeaders(own)))).toEqual(shown(own));
  expect([...new LightHeaders({ b: "1", a: "2" })]).toEqual([...new Headers({ b: "1", a: "2" })]);
  expect([...new LightHeaders()]).toEqual([]);
});

test("does not say the value that it refuses", () => {
  expect(() => new LightHeaders({ authorization: "secret\n" })).not.toThrow();
  expect(() => new LightHeaders({ authorization: "sec\nret" })).toThrow(/^what authorization is given/);
});
