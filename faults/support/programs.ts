import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const compiler = process.env["CC"] ?? "cc";

/** The C programs of the campaign, built in a directory of their own. */
export class Programs {
  readonly #directory = mkdtempSync(join(tmpdir(), "pm-faults-programs-"));
  readonly #built = new Map<string, string>();

  /** The path of `programs/<name>.c`, compiled. */
  program(name: "writer" | "target" | "tree"): string {
    return this.#build(name, ["-O1", join(root, "faults/programs", `${name}.c`)]);
  }

  /** A shim of other flags, such as sanitizers; `name` tells them apart. */
  shim(name: string, flags: readonly string[]): string {
    const sources = join(root, "src/shim");
    const files = readdirSync(sources).filter((file) => file.endsWith(".c"));
    return this.#build(name, [...flags, ...files.map((file) => join(sources, file))]);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #build(name: string, args: readonly string[]): string {
    const known = this.#built.get(name);
    if (known !== undefined) return known;
    const output = join(this.#directory, name);
    execFileSync(compiler, ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-o", output, ...args]);
    this.#built.set(name, output);
    return output;
  }
}
