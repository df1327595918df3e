/** An empty machine for what is installed: a home, a runtime directory, and a PATH without a compiler. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../../..");
export const release = join(root, "release");

/** The one file of the release whose name fits. */
export function released(pattern: RegExp): string {
  const found = existsSync(release) ? readdirSync(release).filter((name) => pattern.test(name)) : [];
  if (found.length !== 1) {
    throw new Error(`release/ holds ${found.length} files like ${pattern}: run npm run release`);
  }
  return join(release, found[0] as string);
}

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Place extends Disposable {
  readonly directory: string;
  /** Runs a program that is found in this place's PATH. */
  run(command: string, args: readonly string[], options?: { cwd?: string; env?: NodeJS.ProcessEnv }): Result;
}

const tools = [
  ...["sh", "env", "cat", "echo", "sleep", "readlink", "uname", "ls", "mkdir", "rm", "rmdir", "tar", "gzip", "zstd"],
  ...["dpkg", "dpkg-deb", "dpkg-split", "dpkg-query", "start-stop-daemon", "ldconfig", "chown", "chmod", "find", "id"],
  ...["systemd-analyze", "diff"],
];

/** @param more programs of this machine that this place has besides */
export function emptyPlace(...more: readonly string[]): Place {
  const directory = mkdtempSync(join(tmpdir(), "pm-released-"));
  const bin = join(directory, "bin");
  mkdirSync(bin);
  for (const name of tools) {
    const found = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].find((path) => existsSync(join(path, name)));
    if (found !== undefined) {
      symlinkSync(join(found, name), join(bin, name));
    }
  }
  for (const path of more) {
    symlinkSync(path, join(bin, path.slice(path.lastIndexOf("/") + 1)));
  }
  const base = {
    PATH: bin,
    HOME: join(directory, "home"),
    PM_RUNTIME_DIR: join(directory, "run"),
    PM_STATE_DIR: join(directory, "state"),
    XDG_CONFIG_HOME: join(directory, "config"),
    npm_config_cache: join(directory, "npm-cache"),
    npm_config_update_notifier: "false",
    npm_config_fund: "false",
    npm_config_audit: "false",
    ...(process.env["npm_config_registry"] && { npm_config_registry: process.env["npm_config_registry"] }),
    ...(process.env["NODE_EXTRA_CA_CERTS"] && { NODE_EXTRA_CA_CERTS: process.env["NODE_EXTRA_CA_CERTS"] }),
  };
  mkdirSync(base.HOME);
  return {
    directory,
    run(command, args, { cwd = directory, env = {} } = {}) {
      const program = command.includes("/") ? command : join(bin, command);
      const { status, stdout, stderr, error } = spawnSync(program, args, {
        cwd,
        encoding: "utf8",
        env: { ...base, ...env },
        timeout: 600_000,
      });
      return { status, stdout: stdout ?? "", stderr: stderr ?? String(error) };
    },
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Programs whose command line names a directory. */
export function runningFrom(directory: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => spawnSync("readlink", [`/proc/${pid}/exe`], { encoding: "utf8" }).stdout.startsWith(directory));
}
