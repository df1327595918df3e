/**
 * Contexts: named daemons, kept in `$XDG_CONFIG_HOME/pm/contexts.json`. The
 * file holds paths of secrets and no secret itself; it and they are readable
 * by their owner only.
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { configDirectory } from "../../common/paths.ts";
import { readPrivateFile } from "../../files/read-private-file.ts";
import { PmError } from "../errors.ts";

/** A named daemon. Paths are absolute, or relative to the directory of the contexts' file. */
export interface Context {
  /** `unix:///path` or `https://host:port`. */
  readonly address: string;
  /** PEM file of the authorities that may have issued the daemon's certificate. */
  readonly ca?: string;
  /** PEM file of the client's certificate. */
  readonly cert?: string;
  /** PEM file of the key of `cert`, mode 0600. */
  readonly key?: string;
  /** The user whom the daemon's users file knows. */
  readonly username?: string;
  /** A file whose only line is that user's password, mode 0600. */
  readonly passwordFile?: string;
}

/** All contexts. */
export interface Contexts {
  /** The one that is used when none is named; undefined: the local daemon. */
  readonly current?: string | undefined;
  readonly contexts: Readonly<Record<string, Context>>;
}

/** Stands for the local daemon's socket where a context is expected. */
export const localContext = "default";

const fields = ["address", "ca", "cert", "key", "username", "passwordFile"] as const satisfies (keyof Context)[];

/** Where the contexts are. */
export function contextsPath(env: NodeJS.ProcessEnv = process.env): string {
  return join(configDirectory(env), "contexts.json");
}

/** Whether `name` can name a context. */
export function isContextName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) && name !== localContext;
}

/**
 * Reads the contexts; none if there is no file.
 *
 * @throws PmError `INVALID_ARGUMENT` if the file cannot be used
 */
export function readContexts(path: string): Contexts {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    // By far the most frequent case: an error with its stack costs a command more than the look.
    return { contexts: {} };
  }
  let text: string;
  try {
    text = readPrivateFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return { contexts: {} };
    }
    throw unusable((error as Error).message, error);
  }
  return parseContexts(text, path);
}

/** As {@link readContexts}, of a text; an empty one holds none. */
export function parseContexts(text: string, path: string): Contexts {
  if (text.trim() === "") {
    return { contexts: {} };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unusable(`${path}: ${(error as Error).message}`, error);
  }
  if (!isRecord(value) || !isRecord(value["contexts"])) {
    throw unusable(`${path}: it must hold an object "contexts"`);
  }
  const contexts: Record<string, Context> = {};
  for (const [name, entry] of Object.entries(value["contexts"])) {
    contexts[name] = contextOf(name, entry, path);
  }
  const { current } = value;
  if (current !== undefined && (typeof current !== "string" || !Object.hasOwn(contexts, current))) {
    throw unusable(`${path}: the current context is not among the contexts`);
  }
  return { contexts, ...(current !== undefined && { current }) };
}

/** The text of the contexts' file. */
export function formatContexts(contexts: Contexts): string {
  return `${JSON.stringify(contexts, null, 2)}\n`;
}

/** A context with its secrets, as `ConnectOptions` want it. */
export interface ResolvedContext {
  readonly address: string;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly credentials?: { readonly username: string; readonly password: string };
}

/**
 * Reads a context's files.
 *
 * @throws PmError `INVALID_ARGUMENT` if there is no such context or a file cannot be used
 */
export function resolveContext(name: string, { contexts }: Contexts, path: string): ResolvedContext {
  const context = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (context === undefined) {
    const known = Object.keys(contexts);
    throw new PmError("INVALID_ARGUMENT", `there is no context "${name}"`, {
      code: "invalid_argument",
      hint: known.length === 0 ? "make one: pm context add" : `there are: ${known.join(", ")}`,
    });
  }
  const read = (file: string, use: (path: string) => string): string => {
    try {
      return use(resolve(dirname(path), file));
    } catch (error) {
      throw unusable(`context "${name}": ${(error as Error).message}`, error);
    }
  };
  const tls = {
    ...(context.ca !== undefined && { ca: read(context.ca, readPublicFile) }),
    ...(context.cert !== undefined && { cert: read(context.cert, readPublicFile) }),
    ...(context.key !== undefined && { key: read(context.key, readPrivateFile) }),
  };
  if (context.username === undefined || context.passwordFile === undefined) {
    return { address: context.address, tls };
  }
  const password = read(context.passwordFile, readPrivateFile).replace(/\r?\n$/, "");
  return { address: context.address, tls, credentials: { username: context.username, password } };
}

function readPublicFile(path: string): string {
  return readFileSync(path, "utf8");
}

function contextOf(name: string, entry: unknown, path: string): Context {
  if (!isContextName(name) || !isRecord(entry) || typeof entry["address"] !== "string") {
    throw unusable(`${path}: the context "${name}" is malformed`);
  }
  for (const field of fields) {
    if (entry[field] !== undefined && typeof entry[field] !== "string") {
      throw unusable(`${path}: ${field} of the context "${name}" must be a text`);
    }
  }
  const unknown = Object.keys(entry).find((key) => !fields.some((field) => field === key));
  if (unknown !== undefined) {
    throw unusable(`${path}: the context "${name}" has an unknown field "${unknown}"`);
  }
  return entry as unknown as Context;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unusable(message: string, cause?: unknown): PmError {
  return new PmError("INVALID_ARGUMENT", message, { code: "invalid_argument", cause });
}
