import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, { readonly post?: { readonly requestBody: { readonly content: object } } }>>;
}

const text = readFileSync(join(import.meta.dirname, "../../docs/reference/openapi.json"), "utf8");
const document = JSON.parse(text) as Document;

describe("the OpenAPI document", () => {
  test("has every unary call as a POST of JSON, and no stream", () => {
    const methods = [...ProcessService.methods, ...DaemonService.methods];
    const path = ({ parent, name }: (typeof methods)[number]) => `/${parent.typeName}/${name}`;
    const operations = Object.keys(document.paths).filter((name) => document.paths[name]?.post !== undefined);
    expect(operations.sort()).toEqual(
      methods
        .filter(({ methodKind }) => methodKind === "unary")
        .map(path)
        .sort(),
    );
    for (const name of operations) {
      expect(Object.keys(document.paths[name]?.post?.requestBody.content ?? {})).toEqual(["application/json"]);
    }
  });

  test("refers only to what it has", () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    const references = [...text.matchAll(/"\$ref": "#\/([^"]+)"/g)].map(([, reference = ""]) => reference);
    expect(references.length).toBeGreaterThan(50);
    for (const reference of references) {
      const found = reference
        .split("/")
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
      expect(found, reference).toBeTypeOf("object");
    }
  });
});
