import { describe, expect, test } from "vitest";
import type { ProcessRef } from "../../../../src/server/engine/api/process.ts";
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
  names: () => names.keys(),
};

function refused(reference: ProcessRef): EngineError {
  try {
    resolveReference(index, reference);
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error("it was found");
}

describe("a reference", () => {
  test.each<[string, ProcessRef, string | undefined]>([
    ["a UUID", { id: ids[0] ?? "" }, ids[0]],
    ["a name", { name: "web" }, ids[0]],
  ])("may be %s", (_, reference, wanted) => {
    expect(resolveReference(index, reference).id).toBe(wanted);
  });

  test("is what it says it is: a name is no prefix", () => {
    expect(resolveReference(index, { name: "cafe" }).id).toBe(ids[1]);
    expect(refused({ name: "deadbeef" }).reason).toBe("PROCESS_NOT_FOUND");
  });

  test("to nothing is answered with a similar name, if there is one", () => {
    expect(refused({ name: "wokrer" })).toMatchObject({
      reason: "PROCESS_NOT_FOUND",
      metadata: { suggestion: "worker" },
    });
    expect(refused({ name: "database" }).metadata).toEqual({ id: "database" });
    expect(refused({ id: "00000000-0000-4000-8000-000000000000" }).reason).toBe("PROCESS_NOT_FOUND");
  });
});
