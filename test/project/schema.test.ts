import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { projectFile } from "../../src/project/pm-yaml/fields.ts";

type Schema = { readonly [key: string]: unknown };

const schema = JSON.parse(
  readFileSync(new URL("../../docs/reference/pm.schema.json", import.meta.url), "utf8"),
) as Schema;

/** The parts that describe fields, with the way to them. */
function* fieldsOf(part: unknown, way: string): Generator<[way: string, field: Schema]> {
  if (typeof part !== "object" || part === null) {
    return;
  }
  for (const [key, inner] of Object.entries(part)) {
    if (key === "properties") {
      for (const [name, field] of Object.entries(inner as Record<string, Schema>)) {
        yield [`${way}/${name}`, field];
      }
    }
    yield* fieldsOf(inner, key === "properties" ? way : `${way}/${key}`);
  }
}

describe("the schema of pm.yaml", () => {
  it("is that of what is read, with descriptions of every field", () => {
    const undescribed = (part: unknown): unknown =>
      JSON.parse(
        JSON.stringify(part, (key, value) => (key === "description" && typeof value === "string" ? "" : value)),
      );
    const { $schema: _, title: __, description: ___, ...rest } = schema;
    expect(undescribed(rest)).toEqual(undescribed(projectFile.schema()));
    const fields = [...fieldsOf(schema, "")];
    expect(fields.length).toBeGreaterThan(60);
    for (const [way, { description }] of fields) {
      expect([
        way,
        typeof description === "string" && description.length > 10 && !description.startsWith("pm.v1."),
      ]).toEqual([way, true]);
    }
  });

  it("says what the contract says", () => {
    const found = new Map(fieldsOf(schema, ""));
    const [, cwd] = [...found].find(([way]) => way.endsWith("/max_run_time")) ?? [];
    expect(cwd?.["description"]).toMatch(/^max_run_time is the longest that a run may take, 100 ms to 366 days/);
  });
});
