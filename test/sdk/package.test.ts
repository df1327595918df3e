import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packSdk } from "../../scripts/release/sdk-package.ts";

const root = join(import.meta.dirname, "../..");
const tsc = join(root, "node_modules/typescript/bin/tsc");
let project: string;

function node(args: readonly string[], cwd: string): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
  return { status, output: stdout + stderr };
}

/** A project of somebody else's with the packed package unpacked as npm does it. */
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "pm-sdk-"));
  const installed = join(project, "node_modules/process-manager");
  mkdirSync(installed, { recursive: true });
  const file = join(project, packSdk(join(project, "stage"), project));
  expect(spawnSync("tar", ["-xzf", file, "-C", installed, "--strip-components=1"]).status).toBe(0);
  rmSync(join(project, "stage"), { recursive: true });
  for (const name of ["@bufbuild", "@connectrpc", "@types", "undici-types"]) {
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
  }
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
}, 60_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

const program = `
import { PmError, type PmErrorReason, type ProcessInfo, ProcessManager, toContractJson } from "process-manager";
import { type FakeProgram, reasonError } from "process-manager/testing";

const pm = await ProcessManager.connect({ socket: "/nonexistent/pm.sock" });
let reason: PmErrorReason | undefined;
try {
  const info: ProcessInfo = await pm.processes.get("api");
  console.log(info.run?.exit?.code?.toFixed(), toContractJson(info).spec?.executable);
} catch (error) {
  reason = (error as PmError).reason;
}
try {
  for await (const frame of pm.processes.stream("api", { follow: true, start: { tailLines: 10 } })) {
    if (frame.type === "chunk") console.log(frame.data.byteLength, frame.stream satisfies "stdout" | "stderr" | "tty");
  }
} catch (error) {
  console.log(reason, (error as PmError).reason, error instanceof PmError);
}
const program: FakeProgram = (process) => process.exit(0);
const refuse = async (): Promise<never> => {
  throw reasonError("NOT_RUNNING", \`\${typeof program}\`);
};
const given = await ProcessManager.connect({ transport: { unary: refuse, stream: refuse } });
await given.processes.get("api").catch((error: PmError) => console.log(error.reason, error.message));
`;

/** What the types must refuse, so that they are known to be there. */
const wrong = `
import { ProcessManager } from "process-manager";
const pm = await ProcessManager.connect();
// @ts-expect-error: a start needs an executable
await pm.processes.start({ args: ["x"] });
// @ts-expect-error: there is no such state
const nonsense: boolean = (await pm.processes.get("x")).state === "sleeping";
// @ts-expect-error: snapshots are immutable
(await pm.processes.get("x")).name = "y";
// @ts-expect-error: there is no such option
await pm.processes.stop("x", { grace: 1 });
export { nonsense };
`;

test.each(["nodenext", "bundler"])(
  "another project compiles and runs, resolution %s",
  (resolution) => {
    writeFileSync(join(project, "program.ts"), program);
    writeFileSync(join(project, "wrong.ts"), wrong);
    const compilerOptions = {
      target: "es2024",
      module: resolution === "bundler" ? "preserve" : "nodenext",
      moduleResolution: resolution,
      lib: ["es2024", "esnext.disposable"],
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      outDir: "out",
      rootDir: ".",
    };
    writeFileSync(
      join(project, "tsconfig.json"),
      JSON.stringify({ compilerOptions, files: ["program.ts", "wrong.ts"] }),
    );
    expect(node([tsc], project)).toEqual({ status: 0, output: "" });
    expect(node(["out/program.js"], project)).toEqual({
      status: 0,
      output: "UNREACHABLE UNREACHABLE true\nNOT_RUNNING function\n",
    });
  },
  60_000,
);

test("a program that uses the local socket loads neither the protobuf runtime nor an HTTP client", () => {
  writeFileSync(
    join(project, "light.mjs"),
    `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ resolve: (name, context, next) => (loaded.push(name), next(name, context)) });
    const { getBuiltinModule } = process;
    process.getBuiltinModule = (name) => (loaded.push(name), getBuiltinModule(name));
    const { ProcessManager } = await import("process-manager");
    const pm = await ProcessManager.connect({ socket: "/nonexistent/pm.sock" });
    await pm.daemon.info().catch(() => {});
    for (const stream of [pm.processes.watch(), pm.processes.stream("x"), pm.processes.outputs(), pm.events.stream()]) {
      await Array.fromAsync(stream).catch(() => {});
    }
    console.log(JSON.stringify(loaded));
    `,
  );
  const { status, output } = node(["light.mjs"], project);
  expect(status).toBe(0);
  const loaded = JSON.parse(output) as string[];
  expect(loaded).toContain("node:net");
  // The entry is the only file: each more costs a millisecond.
  expect(loaded.filter((name) => name.startsWith("."))).toEqual([]);
  expect(loaded.filter((name) => /bufbuild|connectrpc|_pb|http2?$|streaming/.test(name))).toEqual([]);
});

test("the package holds modules, declarations and its license, and nothing of the daemon", () => {
  const files = readdirSync(join(project, "node_modules/process-manager"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((path) => !/\.(js|d\.ts)$|\/(package\.json|LICENSE|README\.md)$/.test(path))).toEqual([]);
  expect(files.filter((path) => /src\/(server|cli|tui|host)|\.test\./.test(path))).toEqual([]);
});

test("require gets the same module, and the generated messages have a path of their own", () => {
  writeFileSync(
    join(project, "required.cjs"),
    `
    const { ProcessManager, PmError } = require("process-manager");
    const { ProcessService } = require("process-manager/v1/process_service");
    import("process-manager").then((sdk) =>
      console.log(sdk.PmError === PmError, typeof ProcessManager.connect, ProcessService.typeName));
    `,
  );
  expect(node(["required.cjs"], project)).toEqual({ status: 0, output: "true function pm.v1.ProcessService\n" });
});
