import { describe, expect, test } from "vitest";
import { EngineError } from "../../../../src/server/engine/errors.ts";
import { resolveReference } from "../../../../src/server/engine/process/references.ts";

const ids = [
  "deadbeef-0000-4000-8000-000000000001",
  "deadbeef-0000-4000-8000-000000000002",
  "cafe0000-0000-4000-8000-000000000003",
];
const names = new Map([
  ["web", "deadbeef-0000-4000-8000-000000000001"],
  ["cafe", "deadbeef-0000-4000-8000-000000000002"],
  ["worker", "cafe0000-0000-4000-8000-000000000003"],
]);
const index = {
  byId: (id: string) => (ids.includes(id) ? { id } : undefined),
  byName: (name: string) => {
    const id = names.get(name);
    return id === undefined ? undefined : { id };
  },
  ids: () => ids,
  names: () => names.keys(),
};

function refused(reference: string): EngineError {
  try {
    resolveReference(index, reference);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error("it was found");
}

describe("a reference", () => {
  test.each([
    ["a UUID", ids[0], ids[0]],
    ["a UUID in capitals", ids[0]?.toUpperCase(), ids[0]],
    ["a name", "web", ids[0]],
    ["a name that is a prefix too", "cafe", ids[1]],
    ["a prefix", "cafe0", ids[2]],
    ["a prefix across a hyphen", "cafe0000-00", ids[2]],
  ])("may be %s", (_, reference, wanted) => {
    expect(resolveReference(index, reference ?? "").id).toBe(wanted);
  });

  test("may not fit several processes", () => {
    const error = refused("deadbeef");
    expect(error).toMatchObject({ reason: "PROCESS_AMBIGUOUS", metadata: { candidates: `${ids[0]},${ids[1]}` } });
  });

  test.each(["", "abc\0", "a/b", "-x", "123", "12345g", "x".repeat(64)])("%j is none", (reference) => {
    expect(refused(reference).reason).toBe("INVALID_ID");
  });

  test("to nothing is answered with a similar name, if there is one", () => {
    expect(refused("wokrer")).toMatchObject({ reason: "PROCESS_NOT_FOUND", metadata: { suggestion: "worker" } });
    expect(refused("database").metadata).toEqual({ id: "database" });
    expect(refused("00000000-0000-4000-8000-000000000000").reason).toBe("PROCESS_NOT_FOUND");
    expect(refused("abcd1234").reason).toBe("PROCESS_NOT_FOUND");
  });
});
