/**
 * A buf plugin: what protoc-gen-go-grpc generates, moved into a package of its
 * own (pmv1grpc), as connect-go's code is. The plugin itself can only write
 * beside the messages, where it would make every user of connect-go load grpc.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { CodeGeneratorResponseSchema } from "@bufbuild/protobuf/wkt";

const messages = "pm.example/gen/go/pm/v1";
const plugin = ["-C", join(import.meta.dirname), "tool", "protoc-gen-go-grpc"];

/** Requests and responses are the only messages that a service names (buf lint's STANDARD rules). */
const messageName = /(?<![\w."])([A-Z]\w*(?:Request|Response))\b/g;

function moved(content: string): string {
  const parts = /^([\s\S]*?\nimport \(\n[\s\S]*?)(\n\)\n)([\s\S]*)$/.exec(content);
  if (parts === null) {
    throw new Error("protoc-gen-go-grpc generates something else than it used to");
  }
  const [, head = "", end = "", body = ""] = parts;
  const qualified = body.replace(messageName, (name, _, at: number, text: string) => {
    const line = text.slice(text.lastIndexOf("\n", at) + 1, at);
    return line.trimStart().startsWith("//") ? name : `v1.${name}`;
  });
  return `${head.replace(/^package \w+$/m, "package pmv1grpc")}\n\tv1 "${messages}"${end}${qualified}`;
}

const output = execFileSync("go", plugin, { input: readFileSync(0), maxBuffer: 64 * 1024 * 1024 });
const response = fromBinary(CodeGeneratorResponseSchema, output);
for (const file of response.file) {
  file.name = file.name.replace(/([^/]+)$/, "pmv1grpc/$1");
  file.content = moved(file.content);
}
process.stdout.write(toBinary(CodeGeneratorResponseSchema, response));
