/**
 * A buf plugin: OpenAPI of the contract, by protoc-gen-connect-openapi, made
 * true where that one speaks for any server: the daemon wants no
 * Connect-Protocol-Version, streams are Connect's enveloped JSON, and errors
 * have the contract's reasons.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type CodeGeneratorRequest,
  CodeGeneratorRequestSchema,
  type CodeGeneratorResponse,
  CodeGeneratorResponseSchema,
} from "@bufbuild/protobuf/wkt";
import { runNodeJs } from "@bufbuild/protoplugin";
import { comment } from "./reference-plugin.ts";

interface Operation {
  description?: string;
  parameters?: { name: string; required?: boolean }[];
  requestBody: { content: Record<string, unknown> };
  responses: Record<string, { content: Record<string, unknown> }>;
}

interface Document {
  paths: Record<string, { post?: Operation }>;
  components: { schemas: Record<string, unknown> };
}

const streamed = "application/connect+json";
const envelopes =
  "A stream of messages in the Connect protocol: each message, of the request too, is JSON behind a byte of flags " +
  "and its length as four bytes, most significant first. The last one has flag 2 and holds an error, if there is one.";

function generate(request: CodeGeneratorRequest): CodeGeneratorResponse {
  const { status, stdout, stderr } = spawnSync(
    "go",
    ["-C", join(import.meta.dirname, "openapi"), "tool", "protoc-gen-connect-openapi"],
    { input: toBinary(CodeGeneratorRequestSchema, request), maxBuffer: 2 ** 28 },
  );
  if (status !== 0) {
    throw new Error(`protoc-gen-connect-openapi failed: ${stderr}`);
  }
  const response = fromBinary(CodeGeneratorResponseSchema, stdout);
  for (const file of response.file) {
    const document = JSON.parse(file.content) as Document;
    complete(document, request);
    file.content = `${JSON.stringify(document, undefined, 2)}\n`;
  }
  return response;
}

function complete(document: Document, request: CodeGeneratorRequest): void {
  const registry = createFileRegistry({ $typeName: "google.protobuf.FileDescriptorSet", file: request.protoFile });
  const reasons = (registry.getEnum("pm.v1.ErrorReason")?.values ?? []).filter(({ number }) => number !== 0);
  const name = (value: (typeof reasons)[number]) => value.name.replace(/^ERROR_REASON_/, "");
  document.components.schemas["pm.v1.ErrorReason"] = {
    title: "ErrorReason",
    description: "The reason in an error's google.rpc.ErrorInfo, whose domain is pm. New ones may come.",
    oneOf: reasons.map((value) => ({ const: name(value), description: comment(value) })),
  };
  for (const [path, { post }] of Object.entries(document.paths)) {
    if (post === undefined) {
      continue;
    }
    for (const parameter of post.parameters ?? []) {
      if (parameter.name === "Connect-Protocol-Version") {
        delete parameter.required;
      }
    }
    const [service = "", method = ""] = path.slice(1).split("/");
    if (
      registry.getService(service)?.method[method.charAt(0).toLowerCase() + method.slice(1)]?.methodKind === "unary"
    ) {
      continue;
    }
    post.description = [post.description, envelopes].filter(Boolean).join("\n\n");
    for (const body of [post.requestBody, ...Object.values(post.responses)]) {
      if (streamed in body.content) {
        body.content = { [streamed]: body.content[streamed] };
      }
    }
  }
}

runNodeJs({ name: "protoc-gen-pm-openapi", version: "1", run: generate });
