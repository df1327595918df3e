/** The daemon's configuration file: YAML, every setting known, every error with its line. */
import { readFileSync } from "node:fs";
import { isMap, isScalar, LineCounter, type Node, type ParsedNode, parseDocument } from "yaml";
import { UnsafeFileError } from "../../files/read-private-file.ts";
import { refuseWritable } from "../../files/refuse-writable.ts";

/** Every setting by its path in the file. */
export const settings = [
  "log.level",
  "output.defaultLimit",
  "output.maxLimit",
  "retention.count",
  "retention.age",
  "tcp.listen",
  "tcp.certificate",
  "tcp.key",
  "tcp.clientAuthority",
  "tcp.users",
] as const;

export type Setting = (typeof settings)[number];

/** What was given for a setting, and where: a flag, a variable, or a line of a file. */
export interface Given {
  readonly text: string;
  readonly where: string;
}

/** The file cannot be used; the message begins with the file and, where there is one, the line. */
export class ConfigFileError extends Error {
  override readonly name = "ConfigFileError";
}

/**
 * Reads the file.
 *
 * @throws ConfigFileError
 */
export function readConfigFile(path: string): ReadonlyMap<Setting, Given> {
  let text: string;
  try {
    refuseWritable(path);
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof UnsafeFileError) {
      throw new ConfigFileError(error.message);
    }
    throw new ConfigFileError(`${path}: cannot be read: ${(error as Error).message}`);
  }
  return parseConfig(text, path);
}

/** As {@link readConfigFile}, of a text. */
export function parseConfig(text: string, path: string): ReadonlyMap<Setting, Given> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: "1.2", schema: "failsafe" });
  const lineOf = (offset: number | undefined) => lines.linePos(offset ?? 0).line;
  const fail = (offset: number | undefined, what: string) => new ConfigFileError(`${path}:${lineOf(offset)}: ${what}`);
  const [error] = document.errors;
  if (error !== undefined) {
    throw fail(error.pos[0], error.message);
  }
  const found = new Map<Setting, Given>();

  const walk = (node: Node | null, prefix: string): void => {
    if (!isMap<ParsedNode, ParsedNode | null>(node)) {
      throw fail(node?.range?.[0], `${prefix === "" ? "the file" : prefix} must hold settings, as in "name: value"`);
    }
    for (const { key, value } of node.items) {
      const at = key.range[0];
      const name = isScalar(key) ? String(key.value) : "(not a name)";
      const setting = prefix === "" ? name : `${prefix}.${name}`;
      if (settings.some((known) => known.startsWith(`${setting}.`))) {
        walk(value, setting);
        continue;
      }
      const known = settings.find((candidate) => candidate === setting);
      if (known === undefined) {
        throw fail(at, `there is no setting ${setting}; ${siblings(prefix)}`);
      }
      if (!isScalar(value) || typeof value.value !== "string" || value.value === "") {
        throw fail(value?.range[0] ?? at, `${setting} must have one value`);
      }
      found.set(known, { text: value.value, where: `${path}:${lineOf(value.range?.[0])}: ${setting}` });
    }
  };
  if (document.contents !== null && !(isScalar(document.contents) && document.contents.value === "")) {
    walk(document.contents, "");
  }
  return found;
}

/** The settings that may stand where an unknown one was found. */
function siblings(prefix: string): string {
  const start = prefix === "" ? "" : `${prefix}.`;
  const names = settings
    .filter((setting) => setting.startsWith(start))
    .map((setting) => setting.slice(start.length).split(".")[0]);
  return `${prefix === "" ? "there are" : `${prefix} has`} ${[...new Set(names)].join(", ")}`;
}
