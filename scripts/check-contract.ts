/**
 * Checks the contract: format, lint, no breaking change against the last release
 * (docs/compatibility.md), and that the committed code is what buf generates now.
 * Changes nothing.
 *
 * Without a Go toolchain the Go part is skipped with a plain line; with CI=true
 * that is an error.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
/** The contract's descriptors as the last release had them; `npm run baseline` makes it, at a release only. */
const baseline = "proto/baseline.binpb";
const failures: string[] = [];

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { cwd: root, stdio: "ignore" }).status === 0;
}

function check(title: string, command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (status === 0) {
    console.log(`contract: ${title}: ok`);
  } else {
    failures.push(error ? `${title} (${error.message})` : title);
  }
}

/** What people write beside generated code: the Go module's own files. */
const written = ["go.mod", "go.sum", "LICENSE", "README.md"];

/** The relative paths of the generated files below `directory`. */
function generatedFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !written.includes(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

/** `path` is a directory in which all is generated, or a file. */
function checkGenerated(template: string, path: string): void {
  const title = `${path} is what ${template} generates`;
  const fresh = mkdtempSync(join(tmpdir(), "pm-generated-"));
  try {
    const { status } = spawnSync("buf", ["generate", "--template", template, "-o", fresh], {
      cwd: root,
      stdio: "inherit",
    });
    if (status !== 0) {
      failures.push(title);
      return;
    }
    const committed = join(root, path);
    const expected = join(fresh, path);
    const names = statSync(committed).isFile()
      ? [""]
      : new Set([...generatedFiles(committed), ...generatedFiles(expected)]);
    const differing = [...names].filter((name) => read(join(committed, name)) !== read(join(expected, name)));
    if (differing.length > 0) {
      console.error(`contract: differs from what the protos generate: ${differing.join(", ") || path}`);
      console.error("contract: run `npm run generate` and commit the result");
      failures.push(title);
    } else {
      console.log(`contract: ${title}: ok`);
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

check("format", "buf", ["format", "--diff", "--exit-code", "proto"]);
check("lint", "buf", ["lint"]);
if (existsSync(join(root, baseline))) {
  check("no breaking change against the last release", "buf", ["breaking", "proto", "--against", baseline]);
} else {
  failures.push(`no ${baseline}: without the contract of the last release nothing can be compared with it`);
}
checkGenerated("buf.gen.yaml", "gen/ts");
checkGenerated("buf.gen.reference.yaml", "docs/reference/api.md");
checkGenerated("buf.gen.reference.yaml", "docs/reference/pm.schema.json");
if (succeeds("go", ["version"])) {
  checkGenerated("buf.gen.go.yaml", "gen/go");
  checkGenerated("buf.gen.openapi.yaml", "docs/reference/openapi.json");
  check("gen/go builds", "go", ["-C", "gen/go", "vet", "./..."]);
} else if (process.env["CI"] === "true") {
  failures.push("Go: no `go` in PATH, and CI=true wants it (install Go 1.26 or newer)");
} else {
  console.log("contract: skipped: Go (no `go` in PATH)");
}

for (const failure of failures) {
  console.error(`contract: FAILED: ${failure}`);
}
process.exitCode = failures.length > 0 ? 1 : 0;
