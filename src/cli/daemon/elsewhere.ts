/** Daemons that a command does not talk to, although somebody may think so: cron, su and sudo have another environment than a login shell. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { escapeText } from "../../common/escape.ts";
import { runtimeDirectory, socketPath } from "../../common/paths.ts";
import { contextsPath, localContext, readContexts } from "../../sdk/context/contexts.ts";
import type { Caller } from "../caller.ts";

interface Elsewhere {
  readonly pid: number;
  readonly user: number;
  readonly directory: string;
  /** What led it there, with its value; undefined: it is where a daemon is by default. */
  readonly by: string | undefined;
  /** Somebody chose the place, for this daemon alone. */
  readonly chosen: boolean;
}

/**
 * Names a daemon of the same user, or of the one who called sudo, in another directory than the caller's; undefined if
 * there is none, or the caller chose its directory. Lines as `pm: …` and `hint: …`, each with its newline.
 */
export function daemonElsewhere(caller: Pick<Caller, "env">, user = process.getuid?.() ?? 0): string | undefined {
  const { env } = caller;
  if (env["PM_RUNTIME_DIR"] || env["PM_HOST"] || hasContext(env)) {
    return undefined;
  }
  const here = runtimeDirectory(env, user);
  const sudoUser = user === 0 && env["SUDO_UID"] ? Number(env["SUDO_UID"]) : undefined;
  const [found] = daemons(new Set(sudoUser === undefined ? [user] : [user, sudoUser]))
    .filter(({ directory }) => directory !== here && existsSync(socketPath(directory)))
    // One of the places that environments lead to is likelier to be meant than one that somebody chose.
    .sort((a, b) => Number(a.chosen) - Number(b.chosen));
  if (found === undefined) {
    return undefined;
  }
  const { pid, directory, by } = found;
  if (found.user !== user) {
    return `pm: user ${found.user} has a daemon of its own (pid ${pid}); this command uses ${escapeText(here)}\nhint: without sudo, pm uses that user's daemon\n`;
  }
  const why = by === undefined ? "XDG_RUNTIME_DIR is not set there" : `${by} there`;
  return (
    `pm: another daemon of yours runs at ${escapeText(directory)} (pid ${pid}), because ${escapeText(why)}; this command uses ${escapeText(here)}\n` +
    `hint: 'PM_HOST=unix://${escapeText(socketPath(directory))} pm ls' lists the processes of the other one\n`
  );
}

function hasContext(env: Caller["env"]): boolean {
  if (env["PM_CONTEXT"]) {
    return env["PM_CONTEXT"] !== localContext;
  }
  try {
    return readContexts(contextsPath(env)).current !== undefined;
  } catch {
    return true; // What cannot be read has been told, and leads to no daemon here.
  }
}

/** Daemons of these users, by their command lines and environments in proc(5). */
function daemons(users: ReadonlySet<number>): Elsewhere[] {
  return readdirSync("/proc").flatMap((name): Elsewhere[] => {
    if (!/^\d+$/.test(name)) {
      return [];
    }
    try {
      const user = statSync(`/proc/${name}`).uid;
      if (!users.has(user)) {
        return [];
      }
      const args = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
      const program = args.findIndex((arg) => basename(arg) === "daemon.mjs");
      if (program < 1) {
        return [];
      }
      const env = environment(readFileSync(`/proc/${name}/environ`, "utf8"));
      const option = optionOf(args.slice(program + 1), "--runtime-dir");
      const variable = ["PM_RUNTIME_DIR", "XDG_RUNTIME_DIR"].find((each) => env[each]);
      return [
        {
          pid: Number(name),
          user,
          directory: option ?? runtimeDirectory(env, user),
          by:
            option === undefined ? variable && `${variable} is ${env[variable]}` : `it was started with --runtime-dir`,
          chosen: option !== undefined || variable === "PM_RUNTIME_DIR",
        },
      ];
    } catch {
      return []; // It has ended, or may not be looked into.
    }
  });
}

function environment(block: string): Record<string, string> {
  return Object.fromEntries(
    block.split("\0").flatMap((entry) => {
      const equals = entry.indexOf("=");
      return equals < 1 ? [] : [[entry.slice(0, equals), entry.slice(equals + 1)]];
    }),
  );
}

function optionOf(args: readonly string[], name: string): string | undefined {
  const index = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  const arg = args[index];
  return arg === undefined ? undefined : arg === name ? args[index + 1] : arg.slice(name.length + 1);
}
