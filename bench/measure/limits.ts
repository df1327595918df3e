/** Small C programs that show what the machine allows. */
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const sources = join(import.meta.dirname, "../limits");

/** Compiles bench/limits/NAME.c into `directory` and returns the program's path. */
export function compileLimit(name: string, directory: string): string {
  const program = join(directory, name);
  const flags = ["-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra"];
  const { status, stderr } = spawnSync("cc", [...flags, "-o", program, join(sources, `${name}.c`)], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`cannot compile bench/limits/${name}.c: ${stderr}`);
  return program;
}

/** Runs a program that prints one number. */
export async function numberFrom(program: string, ...args: string[]): Promise<number> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  for await (const chunk of child.stdout) text += String(chunk);
  const value = Number(text);
  if (text === "" || Number.isNaN(value)) throw new Error(`${program} printed ${JSON.stringify(text)}`);
  return value;
}

/**
 * Builds bench/limits/go-reader with the Go client of this tree. Its module is
 * made up, so that the client's stays free of benches.
 *
 * @returns the program, or why there is none
 */
export function buildGoReader(directory: string): { readonly program: string } | { readonly absent: string } {
  const root = join(import.meta.dirname, "../..");
  const module = join(directory, "go-reader");
  mkdirSync(module);
  const required = /^require \([^)]*\)/m.exec(readFileSync(join(root, "go/go.mod"), "utf8"))?.[0] ?? "";
  writeFileSync(
    join(module, "go.mod"),
    `module bench\n\ngo 1.26.0\n\nrequire pm.example/go v0.0.0\n\n${required}\n\n` +
      `replace pm.example/go => ${root}/go\n\nreplace pm.example/gen/go => ${root}/gen/go\n`,
  );
  copyFileSync(join(root, "go/go.sum"), join(module, "go.sum"));
  copyFileSync(join(sources, "go-reader/main.go"), join(module, "main.go"));
  const program = join(module, "reader");
  const { status, stderr } = spawnSync("go", ["build", "-mod=mod", "-o", program, "."], {
    cwd: module,
    encoding: "utf8",
  });
  return status === 0 ? { program } : { absent: `the Go client: ${stderr ?? "there is no go"}`.trim() };
}
