/** A buf plugin: JSON Schema of pm.yaml for editors, with the contract's comments as descriptions. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { runNodeJs } from "@bufbuild/protoplugin";
import { projectFile } from "../src/project/pm-yaml/fields.ts";
import { type Contract, comment, referencePlugin } from "./reference-plugin.ts";

function write({ registry }: Contract): string {
  /** "pm.v1.ProcessSpec.cwd" or "pm.v1.TcpCheck". */
  const element = (name: string): DescMessage | DescField | undefined => {
    const message = registry.getMessage(name);
    if (message !== undefined) {
      return message;
    }
    const dot = name.lastIndexOf(".");
    return registry.getMessage(name.slice(0, dot))?.fields.find((field) => field.name === name.slice(dot + 1));
  };
  const describe = (about: string): string => {
    if (!about.startsWith("pm.v1.")) {
      return about;
    }
    const found = element(about);
    if (found === undefined) {
      throw new Error(`the contract has no ${about}`);
    }
    return comment(found);
  };
  const described = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map(described);
    }
    if (typeof value !== "object" || value === null) {
      return value;
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        key === "description" && typeof inner === "string" ? describe(inner) : described(inner),
      ]),
    );
  };
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "pm.yaml",
    description: "A project of pm. Generated from the contract by `npm run generate`. Do not edit.",
    ...(described(projectFile.schema()) as object),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

runNodeJs(referencePlugin("protoc-gen-pm-project-schema", "pm.schema.json", write));
