/** The npm package of the SDK: modules, their declarations, and what they stand on; nothing of the daemon. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { packed } from "./packed.ts";
import { pinned, project } from "./project.ts";
import { root, run } from "./run.ts";

/** @returns the name of the file below `release` */
export function packSdk(stage: string, release: string): string {
  run(process.execPath, [join(root, "scripts/build-sdk.ts"), join(stage, "dist")]);
  cpSync(join(root, "LICENSE"), join(stage, "LICENSE"));
  cpSync(join(root, "packaging/sdk/README.md"), join(stage, "README.md"));
  const types = (file: string) => ({ types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` });
  return packed(
    stage,
    {
      name: "process-manager",
      version: project.version,
      description: "Client of pm, a process manager for Linux whose contract is its product",
      license: project.license,
      type: "module",
      sideEffects: false,
      types: "./dist/src/sdk/index.d.ts",
      exports: {
        ".": types("src/sdk/index"),
        "./testing": types("src/testing/index"),
        "./v1/*": types("gen/ts/pm/v1/*_pb"),
        "./package.json": "./package.json",
      },
      files: ["dist"],
      // `require` of modules without a flag; connect-node asks for 22 as well.
      engines: { node: ">=22.12" },
      dependencies: pinned(["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node"]),
    },
    release,
  );
}
