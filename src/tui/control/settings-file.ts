import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { makePrivateDirectory, replaceFile } from "../../files/private-file.ts";
import { readSettings, type Settings } from "../state/settings/settings.ts";
import { THEME_NAMES } from "../themes/themes.ts";

/** More than this is no settings file. Characters. */
const LIMIT = 1 << 16;

/**
 * What the dashboard remembers: a JSON object, replaced as a whole when
 * something changes. What it does not know is left in it; a file that cannot be
 * read is left alone.
 */
export class SettingsFile {
  readonly #path: string;
  readonly settings: Partial<Settings>;
  /** What was wrong with the file; "": nothing. */
  readonly problem: string;
  /** Null: there is something in its place that is not to be overwritten. */
  #content: Record<string, unknown> | null = {};
  #saved: Settings | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    let problem = "";
    try {
      const value: unknown = JSON.parse(readFileSync(path, "utf8").slice(0, LIMIT));
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        throw new Error("it is not an object");
      }
      this.#content = { ...value };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
        this.#content = null;
        problem = `${path} is not used, and left as it is: ${(error as Error).message}`;
      }
    }
    const { settings, wrong } = readSettings(this.#content ?? {}, THEME_NAMES);
    this.settings = settings;
    this.problem = wrong.length > 0 ? `${path} has unknown or invalid settings: ${wrong.join(", ")}` : problem;
  }

  /** What is in force. The first time it is only noted: what was changed since is what is saved. */
  changed(now: Settings): void {
    const before = this.#saved;
    this.#saved = now;
    if (!before || !this.#content) {
      return;
    }
    const changes = Object.entries(now).filter(([key, value]) => value !== before[key as keyof Settings]);
    if (changes.length > 0) {
      this.#content = { ...this.#content, ...Object.fromEntries(changes) };
      const text = `${JSON.stringify(this.#content, null, 2)}\n`;
      // One after the other; not to remember is not worth a message.
      this.#writing = this.#writing.then(() => this.#write(text)).catch(() => undefined);
    }
  }

  /** Resolves when everything is written. */
  flush(): Promise<void> {
    return this.#writing;
  }

  async #write(text: string): Promise<void> {
    await makePrivateDirectory(dirname(this.#path));
    await replaceFile(this.#path, text);
  }
}
