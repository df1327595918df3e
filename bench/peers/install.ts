/**
 * Installs what pm is measured beside into bench/peers/bin, which git ignores:
 * `npm run bench:peers`. Each by its own ecosystem's client, in a pinned
 * version. What cannot be installed is named and left out.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

const directory = import.meta.dirname;
const bin = join(directory, "bin");
const home = join(directory, "installed");

function run(command: string, args: readonly string[], cwd = home, env: Record<string, string> = {}): boolean {
  const { status } = spawnSync(command, args, { cwd, env: { ...process.env, ...env }, stdio: "inherit" });
  return status === 0;
}

function link(program: string, name: string): void {
  rmSync(join(bin, name), { force: true });
  // Relative: the directory may be moved with the tree.
  symlinkSync(relative(bin, program), join(bin, name));
}

const peers: Readonly<Record<string, () => boolean>> = {
  pm2: () => {
    const prefix = join(home, "pm2");
    if (!run("npm", ["install", "--silent", "--prefix", prefix, "pm2@7.0.4"])) return false;
    link(join(prefix, "node_modules/.bin/pm2"), "pm2");
    return true;
  },
  supervisor: () => {
    const venv = join(home, "supervisor");
    if (!run("python3", ["-m", "venv", venv])) return false;
    if (!run(join(venv, "bin/pip"), ["install", "-q", "supervisor==4.3.0", "setuptools<81"])) return false;
    for (const name of ["supervisord", "supervisorctl"]) link(join(venv, "bin", name), name);
    return true;
  },
  pueue: () => {
    const root = join(home, "pueue");
    if (!run("cargo", ["install", "-q", "--locked", "--root", root, "pueue@4.0.4"])) return false;
    for (const name of ["pueue", "pueued"]) link(join(root, "bin", name), name);
    return true;
  },
  // Its list of versions is refused, so that `go install …@latest` fails; a module that requires the exact one works.
  "process-compose": () => {
    const module = join(home, "process-compose");
    mkdirSync(module, { recursive: true });
    const version = "v1.87.0";
    const required = `require github.com/f1bonacc1/process-compose ${version}`;
    writeFileSync(join(module, "go.mod"), `module bench\n\ngo 1.26\n\n${required}\n`);
    const program = join(module, "process-compose");
    const build = ["build", "-mod=mod", "-o", program, "github.com/f1bonacc1/process-compose/src"];
    const other = ["build", "-mod=mod", "-o", program, "github.com/f1bonacc1/process-compose"];
    if (!run("go", build, module) && !run("go", other, module)) return false;
    link(program, "process-compose");
    return true;
  },
};

mkdirSync(bin, { recursive: true });
mkdirSync(home, { recursive: true });
const wanted = process.argv.slice(2);
for (const [name, install] of Object.entries(peers)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const installed = install() && existsSync(bin);
  console.log(installed ? `${name}: installed` : `${name}: could not be installed; the bench goes on without it`);
}
