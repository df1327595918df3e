/** The programs of docs/clients.md, as they stand there, over the socket and over mTLS. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generatePython } from "../../scripts/python-code.ts";
import { pythonTools } from "../../scripts/release/python-tools.ts";
import { freePort } from "../support/free-port.ts";
import { requires } from "../support/requires.ts";

const root = join(import.meta.dirname, "../..");
const pm = join(root, "bin/pm");
const directory = mkdtempSync(join(tmpdir(), "pm-first-steps-"));
const config = join(directory, "config");
const page = readFileSync(join(root, "docs/clients.md"), "utf8");
const result = { status: 0, stdout: "hello\nexit code 3\n", stderr: "" };

let port: number;
const env: NodeJS.ProcessEnv = {
  ...process.env,
  PM_RUNTIME_DIR: join(directory, "run"),
  PM_STATE_DIR: join(directory, "state"),
  XDG_CONFIG_HOME: config,
  PM_HOST: "",
  PM_CONTEXT: "",
  PM_CONFIG: "",
};

const works = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: "ignore" }).status === 0;
const has = {
  go: requires("go", works("go", "version")),
  python: requires("python3 with pip", works("python3", "-m", "pip", "--version")),
  curl: requires("curl", works("curl", "--version")),
};

/** The page's first program in a language, or a later one. */
function program(language: string, index = 0): string {
  const all = [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))];
  const text = all[index]?.[1];
  if (text === undefined) {
    throw new Error(`docs/clients.md has no program in ${language}`);
  }
  return text;
}

test.each(["ts", "go", "python", "sh"])("the program in %s takes at most ten lines beside its imports", (language) => {
  const body = program(language).replace(/^[\s\S]*?func main\(\) \{\n|\n\}\n$/g, "");
  expect(body.split("\n").filter((line) => !/^\s*$|^import /.test(line)).length).toBeLessThanOrEqual(10);
});

function run(command: string, args: readonly string[], more: NodeJS.ProcessEnv, cwd = directory) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd, env: { ...env, ...more } });
  return { status, stdout, stderr };
}

beforeAll(async () => {
  port = await freePort();
  execFileSync(pm, ["init", "--user", "ann", "--listen", `127.0.0.1:${port}`], { env, stdio: "ignore" });
  execFileSync(pm, ["daemon", "start"], { env, stdio: "ignore" });
}, 120_000);

afterAll(() => {
  spawnSync(pm, ["daemon", "stop", "--stop-processes", "-t", "0"], { env, stdio: "ignore" });
  rmSync(directory, { recursive: true, force: true });
});

describe.each([
  ["the socket", ""],
  ["mTLS", "dev"],
])("over %s", (_name, context) => {
  test("TypeScript", () => {
    const installed = join(directory, "node_modules/process-manager");
    if (context === "") {
      mkdirSync(installed, { recursive: true });
      execFileSync(process.execPath, [join(root, "scripts/build-sdk.ts"), join(installed, "dist/sdk")]);
      copyFileSync(join(root, "package.json"), join(installed, "package.json"));
      for (const name of ["@bufbuild", "@connectrpc"]) {
        symlinkSync(join(root, "node_modules", name), join(directory, "node_modules", name));
      }
      writeFileSync(join(directory, "package.json"), '{"type":"module"}');
      writeFileSync(join(directory, "first.ts"), program("ts"));
    }
    expect(run(process.execPath, ["first.ts"], { PM_CONTEXT: context })).toEqual(result);
    if (context === "") {
      const withoutDaemon = ["built\nexit code 3 []\n", "PROCESS_NOT_FOUND web\n"];
      for (const [index, stdout] of withoutDaemon.entries()) {
        writeFileSync(join(directory, "test.mjs"), program("js", index));
        expect(run(process.execPath, ["test.mjs"], {})).toEqual({ status: 0, stdout, stderr: "" });
      }
    }
  }, 120_000);

  test.runIf(has.go)(
    "Go",
    () => {
      const project = join(directory, `go-${context}`);
      mkdirSync(project);
      const required = readFileSync(join(root, "go/go.mod"), "utf8").replace(/^module .*\n|^replace .*\n/gm, "");
      const replaced = `replace pm.example/go => ${join(root, "go")}\nreplace pm.example/gen/go => ${join(root, "gen/go")}\n`;
      writeFileSync(join(project, "go.mod"), `module first\n${required}\nrequire pm.example/go v0.0.0\n${replaced}`);
      copyFileSync(join(root, "go/go.sum"), join(project, "go.sum"));
      writeFileSync(join(project, "main.go"), program("go"));
      expect(run("go", ["build", "-mod=mod", "-o", "first", "."], {}, project)).toMatchObject({ status: 0 });
      expect(run(join(project, "first"), [], { PM_CONTEXT: context })).toEqual(result);
    },
    300_000,
  );

  test.runIf(has.python)(
    "Python",
    () => {
      const code = join(directory, "python");
      cpSync(join(root, "python/src"), code, { recursive: true, filter: (path) => !path.includes("/pm/v1") });
      generatePython(code);
      const more = { PM_CONTEXT: context, PYTHONPATH: `${code}:${pythonTools()}`, PYTHONDONTWRITEBYTECODE: "1" };
      expect(run("python3", ["-c", program("python")], more)).toEqual(result);
    },
    300_000,
  );

  test.runIf(has.curl)(
    "curl",
    () => {
      expect(run("sh", ["-c", program("sh")], { PM: context === "" ? socketArguments() : tlsArguments() })).toEqual(
        result,
      );
    },
    60_000,
  );
});

const socketArguments = () => `--unix-socket ${join(directory, "run/pm.sock")} http://pm`;

/** From the context that `pm init` made. */
function tlsArguments(): string {
  const file = join(config, "pm/contexts.json");
  const { contexts } = JSON.parse(readFileSync(file, "utf8")) as { contexts: { dev: Record<string, string> } };
  const { ca, cert, key, username, passwordFile = "" } = contexts.dev;
  const password = readFileSync(join(config, "pm", passwordFile), "utf8").trim();
  return `--cacert ${ca} --cert ${cert} --key ${key} -u ${username}:${password} https://127.0.0.1:${port}`;
}
