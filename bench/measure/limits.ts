/** Small C programs that show what the machine allows. */
import { spawn, spawnSync } from "node:child_process";
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
