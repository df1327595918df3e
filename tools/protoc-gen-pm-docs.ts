/** A buf plugin: the contract's comments as one Markdown page. */
import { type DescEnum, type DescField, type DescMessage, type DescMethod, ScalarType } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { runNodeJs } from "@bufbuild/protoplugin";
import { type Contract, comment, referencePlugin, typesOf } from "./reference-plugin.ts";

function write({ services, registry }: Contract): string {
  const types = typesOf(services);
  const reasons = registry.getEnum("pm.v1.ErrorReason");
  const all = reasons === undefined || types.includes(reasons) ? types : [...types, reasons];
  const lines = [
    "# API reference",
    "",
    "Generated from the comments in `proto/pm/v1` by `npm run generate`. Do not edit.",
    "",
    "Every method is served by gRPC, gRPC-Web and Connect at `/SERVICE/METHOD`. Errors carry a `google.rpc.ErrorInfo` whose reason is one of [ErrorReason](#errorreason).",
    "",
  ];
  for (const service of services) {
    lines.push(`## ${service.name}`, "", comment(service), "");
    for (const method of service.methods) {
      lines.push(`### ${service.name}.${method.name}`, "", signature(method), "", comment(method), "");
    }
  }
  lines.push("## Messages", "");
  for (const type of all) {
    lines.push(...(type.kind === "message" ? messageLines(type) : []));
  }
  lines.push("## Enums", "");
  for (const type of all) {
    lines.push(...(type.kind === "enum" ? enumLines(type) : []));
  }
  return `${lines.join("\n").trim()}\n`;
}

function signature({ input, output, methodKind, idempotency }: DescMethod): string {
  const stream = methodKind === "server_streaming" ? "stream of " : "";
  const reads = idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS ? " · no side effects" : "";
  return `${link(input)} → ${stream}${link(output)}${reads}`;
}

function messageLines(type: DescMessage): string[] {
  const head = [`### ${type.name}`, "", comment(type), ""];
  if (type.fields.length === 0) {
    return head;
  }
  const rows = type.fields.map(
    (field) => `| \`${field.name}\` | ${typeText(field)} | ${field.number} | ${cell(comment(field))}${oneof(field)} |`,
  );
  return [...head, "| field | type | number | meaning |", "| --- | --- | --- | --- |", ...rows, ""];
}

function enumLines(type: DescEnum): string[] {
  const rows = type.values.map((value) => `| \`${value.name}\` | ${value.number} | ${cell(comment(value))} |`);
  return [
    `### ${type.name}`,
    "",
    comment(type),
    "",
    "| value | number | meaning |",
    "| --- | --- | --- |",
    ...rows,
    "",
  ];
}

function oneof({ oneof: group }: DescField): string {
  return group === undefined ? "" : ` (One of \`${group.name}\`.)`;
}

function typeText(field: DescField): string {
  switch (field.fieldKind) {
    case "list":
      return `repeated ${elementText(field)}`;
    case "map":
      return `map of ${scalarText(field.mapKey)} to ${elementText(field)}`;
    default:
      return elementText(field);
  }
}

function elementText({ message, enum: enumeration, scalar }: DescField): string {
  if (message !== undefined || enumeration !== undefined) {
    return link((message ?? enumeration) as DescMessage | DescEnum);
  }
  return scalarText(scalar as ScalarType);
}

function scalarText(scalar: ScalarType): string {
  return (ScalarType[scalar] ?? "").toLowerCase();
}

function link({ name, typeName }: DescMessage | DescEnum): string {
  return typeName.startsWith("pm.") ? `[${name}](#${name.toLowerCase()})` : `\`${typeName}\``;
}

function cell(text: string): string {
  return text.replaceAll("\n\n", "<br>").replaceAll("\n", " ").replaceAll("|", "\\|");
}

runNodeJs(referencePlugin("protoc-gen-pm-docs", "api.md", write));
