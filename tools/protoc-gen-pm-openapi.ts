/**
 * A buf plugin: an OpenAPI 3.1 document of the unary calls as Connect serves
 * them with JSON (https://connectrpc.com/docs/protocol#unary-rpcs,
 * https://protobuf.dev/programming-guides/json/).
 */
import { type DescEnum, type DescField, type DescMessage, type DescMethod, ScalarType } from "@bufbuild/protobuf";
import { runNodeJs } from "@bufbuild/protoplugin";
import { type Contract, comment, referencePlugin, typesOf } from "./reference-plugin.ts";

type Json = Readonly<Record<string, unknown>>;

function write({ services }: Contract): string {
  const unary = services.flatMap((service) => service.methods.filter(({ methodKind }) => methodKind === "unary"));
  const document = {
    openapi: "3.1.0",
    info: {
      title: "pm",
      version: "v1",
      description: "The unary calls of pm.v1 with JSON. Streams: docs/reference/api.md. Generated; do not edit.",
    },
    servers: [{ url: "https://localhost:7443" }],
    security: [{ clientCertificate: [], user: [] }],
    tags: services.map((service) => ({ name: service.typeName, description: comment(service) })),
    paths: Object.fromEntries(unary.map((method) => [pathOf(method), { post: operation(method) }])),
    components: {
      securitySchemes: {
        clientCertificate: { type: "mutualTLS", description: "A certificate of the daemon's client authority." },
        user: { type: "http", scheme: "basic", description: "A user of the daemon's users file." },
      },
      schemas: {
        ...Object.fromEntries(
          typesOf(unary.map(({ parent }) => parent))
            .filter((type) => type.kind === "enum" || isUsed(type, unary))
            .map((type) => [type.typeName, type.kind === "message" ? messageSchema(type) : enumSchema(type)]),
        ),
        "connect.Error": errorSchema,
      },
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const errorSchema: Json = {
  type: "object",
  description: "Connect's error: https://connectrpc.com/docs/protocol#error-end-stream.",
  required: ["code"],
  properties: {
    code: { type: "string", examples: ["not_found"] },
    message: { type: "string", description: "For people." },
    details: {
      type: "array",
      description: "Holds a google.rpc.ErrorInfo whose reason is one of pm.v1.ErrorReason, without its prefix.",
      items: {
        type: "object",
        properties: {
          type: { type: "string", examples: ["google.rpc.ErrorInfo"] },
          value: { type: "string", contentEncoding: "base64" },
          debug: { type: "object" },
        },
      },
    },
  },
};

/** Whether a unary call has this message somewhere in its request or answer. */
function isUsed(type: DescMessage, methods: readonly DescMethod[]): boolean {
  const seen = new Set<DescMessage>();
  const visit = (message: DescMessage): boolean => {
    if (message === type) {
      return true;
    }
    if (seen.has(message)) {
      return false;
    }
    seen.add(message);
    return message.fields.some((field) => field.message !== undefined && visit(field.message));
  };
  return methods.some(({ input, output }) => visit(input) || visit(output));
}

function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

function operation(method: DescMethod): Json {
  const text = comment(method);
  return {
    operationId: `${method.parent.name}.${method.name}`,
    tags: [method.parent.typeName],
    summary: text.split(/(?<=\.)\s/, 1)[0],
    description: text,
    parameters: [
      {
        name: "connect-timeout-ms",
        in: "header",
        description: "Milliseconds after which the call is given up.",
        schema: { type: "integer" },
      },
    ],
    requestBody: { required: true, content: { "application/json": { schema: reference(method.input) } } },
    responses: {
      "200": { description: "The answer.", content: { "application/json": { schema: reference(method.output) } } },
      default: {
        description: "The call failed.",
        content: { "application/json": { schema: { $ref: "#/components/schemas/connect.Error" } } },
      },
    },
  };
}

function messageSchema(type: DescMessage): Json {
  return {
    type: "object",
    description: comment(type),
    properties: Object.fromEntries(type.fields.map((field) => [field.jsonName, fieldSchema(field)])),
  };
}

function enumSchema(type: DescEnum): Json {
  return {
    type: "string",
    description: [comment(type), ...type.values.map((value) => comment(value))].join("\n\n"),
    enum: type.values.map(({ name }) => name),
  };
}

function fieldSchema(field: DescField): Json {
  const description = comment(field);
  switch (field.fieldKind) {
    case "list":
      return { type: "array", description, items: elementSchema(field) };
    case "map":
      return { type: "object", description, additionalProperties: elementSchema(field) };
    default:
      return { ...elementSchema(field), description };
  }
}

function elementSchema({ message, enum: enumeration, scalar }: DescField): Json {
  if (message !== undefined || enumeration !== undefined) {
    return reference((message ?? enumeration) as DescMessage | DescEnum);
  }
  switch (scalar) {
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: "number" };
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
    case ScalarType.SINT64:
      // A text: a JSON number is not exact beyond 2^53.
      return { type: "string", pattern: "^-?[0-9]+$" };
    default:
      return { type: "integer" };
  }
}

function reference({ typeName }: DescMessage | DescEnum): Json {
  switch (typeName) {
    case "google.protobuf.Timestamp":
      return { type: "string", format: "date-time" };
    case "google.protobuf.Duration":
      return { type: "string", pattern: "^-?[0-9]+(\\.[0-9]+)?s$", examples: ["1.5s"] };
    default:
      return { $ref: `#/components/schemas/${typeName}` };
  }
}

runNodeJs(referencePlugin("protoc-gen-pm-openapi", "openapi.json", write));
