/**
 * Generates the Python code of the contract below a directory: `pm/v1`, with
 * type stubs and the services. Constraints (buf.validate) are left out, as for
 * every client: the daemon checks them.
 *
 * Usage: node scripts/python-code.ts DIRECTORY
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { runPython } from "./release/python-tools.ts";
import { root, run } from "./release/run.ts";

const constraints = "buf/validate/validate.proto";

/** Descriptors without the constraints: options that no schema here knows are unknown fields. */
function withoutConstraints(image: Uint8Array): Uint8Array {
  const set = fromBinary(FileDescriptorSetSchema, image);
  set.file = set.file.filter(({ name }) => name !== constraints);
  for (const file of set.file) {
    file.dependency = file.dependency.filter((name) => name !== constraints);
    dropUnknownOptions(file.messageType);
  }
  return toBinary(FileDescriptorSetSchema, set);
}

function dropUnknownOptions(messages: readonly DescriptorProto[]): void {
  for (const message of messages) {
    for (const { options } of [message, ...message.field, ...message.oneofDecl]) {
      delete options?.$unknown;
    }
    dropUnknownOptions(message.nestedType);
  }
}

export function generatePython(directory: string): void {
  const temporary = mkdtempSync(join(tmpdir(), "pm-python-code-"));
  try {
    const image = join(temporary, "image.binpb");
    const buf = join(root, "node_modules/.bin/buf");
    run(buf, ["build", ".", "--as-file-descriptor-set", "-o", image]);
    writeFileSync(image, withoutConstraints(readFileSync(image)));
    mkdirSync(directory, { recursive: true });
    const outputs = ["python", "pyi", "grpc_python"].map((kind) => `--${kind}_out=${directory}`);
    const files = readdirSync(join(root, "proto/pm/v1")).map((name) => `pm/v1/${name}`);
    runPython(["-m", "grpc_tools.protoc", `--descriptor_set_in=${image}`, ...outputs, ...files.sort()]);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  generatePython(resolve(process.argv[2] ?? join(root, "python/src")));
}
