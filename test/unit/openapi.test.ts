import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import { ErrorReasonSchema } from "../../gen/ts/pm/v1/errors_pb.ts";
import { EventService } from "../../gen/ts/pm/v1/event_service_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { ProjectService } from "../../gen/ts/pm/v1/project_service_pb.ts";
import { QueueService } from "../../gen/ts/pm/v1/queue_service_pb.ts";
import { ScheduleService } from "../../gen/ts/pm/v1/schedule_service_pb.ts";

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly post?: {
          readonly parameters?: readonly { readonly required?: boolean }[];
          readonly requestBody: { readonly content: object };
          readonly responses: Readonly<Record<string, { readonly content: object }>>;
        };
      }
    >
  >;
  readonly components: {
    readonly schemas: Readonly<
      Record<
        string,
        {
          readonly required?: readonly string[];
          readonly properties?: Readonly<Record<string, object>>;
          readonly oneOf?: readonly { readonly const: string }[];
        }
      >
    >;
  };
}

const text = readFileSync(join(import.meta.dirname, "../../docs/reference/openapi.json"), "utf8");
const document = JSON.parse(text) as Document;

describe("the OpenAPI document", () => {
  test("has every call as a POST: unary ones of JSON, streams of enveloped JSON", () => {
    const services = [ProcessService, DaemonService, EventService, ScheduleService, QueueService, ProjectService];
    const methods = services.flatMap((service) => service.methods);
    const path = ({ parent, name }: (typeof methods)[number]) => `/${parent.typeName}/${name}`;
    for (const method of methods) {
      const post = document.paths[path(method)]?.post;
      const type = method.methodKind === "unary" ? "application/json" : "application/connect+json";
      expect([path(method), Object.keys(post?.requestBody.content ?? {})]).toEqual([path(method), [type]]);
      expect(Object.keys(post?.responses["200"]?.content ?? {})).toEqual([type]);
    }
  });

  test("requires what the daemon does, and no header of a protocol", () => {
    const required = Object.values(document.paths).flatMap(({ post }) =>
      (post?.parameters ?? []).filter((parameter) => parameter.required === true),
    );
    expect(required).toEqual([]);
    expect(document.components.schemas["pm.v1.StartProcessRequest"]?.required).toEqual(["spec"]);
    expect(document.components.schemas["pm.v1.StartProcessRequest"]?.properties?.["name"]).toHaveProperty("pattern");
  });

  test("lists the reasons of the contract", () => {
    const listed = document.components.schemas["pm.v1.ErrorReason"]?.oneOf?.map((entry) => entry.const);
    expect(listed).toEqual(
      ErrorReasonSchema.values
        .filter(({ number }) => number !== 0)
        .map(({ name }) => name.replace("ERROR_REASON_", "")),
    );
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
