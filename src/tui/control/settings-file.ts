import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { makePrivateDirectory, replaceFile } from "../../files/private-file.ts";
import { readSettings, type Settings } from "../state/settings/settings.ts";
import { THEME_NAMES } from "../themes/themes.ts";

/** More than this is no settings file. Characters. */
const LIMIT = 1 << 16;

/**
 * What the dashboard remembers: a JSON object, replaced as a whole when
 * something changes. What it does not know is left in it, and a file that cannot
 * be read is left alone.
 */
export class SettingsFile {
  readonly #path: string;
  readonly #onFailure: (why: string) => void;
  readonly settings: Partial<Settings>;
  /** What was wrong with the file; "": nothing. */
  readonly problem: string;
  /** Whether it can be replaced: there is nothing in its place that could not be read. */
  readonly #isOurs: boolean;
  #saved: Settings | null = null;
  #writing: Promise<void> = Promise.resolve();
  #told = false;

  /** @param onFailure is told once that nothing can be remembered, and why */
  constructor(path: string, onFailure: (why: string) => void) {
    this.#path = path;
    this.#onFailure = onFailure;
    let content: Record<string, unknown> | null = null;
    let problem = "";
    try {
      content = readContent(path);
    } catch (error) {
      problem = `${path} is not used, and left as it is: ${(error as Error).message}`;
    }
    this.#isOurs = content !== null;
    const { settings, wrong } = readSettings(content ?? {}, THEME_NAMES);
    this.settings = settings;
    this.problem = wrong.length > 0 ? `${path} has unknown or invalid settings: ${wrong.join(", ")}` : problem;
  }

  /** What is in force. The first time it is only noted: what was changed since is what is saved. */
  changed(now: Settings): void {
    const before = this.#saved;
    this.#saved = now;
    if (!before || !this.#isOurs) {
      return;
    }
    const changes = Object.entries(now).filter(([key, value]) => value !== before[key as keyof Settings]);
    if (changes.length > 0) {
      // One after the other.
      this.#writing = this.#writing
        .then(() => this.#write(Object.fromEntries(changes)))
        .catch((error: unknown) => this.#tell(error as Error));
    }
  }

  /** Resolves when everything is written. */
  flush(): Promise<void> {
    return this.#writing;
  }

  /** What another dashboard has chosen meanwhile stays, unless it was chosen here, too. */
  async #write(changes: Record<string, unknown>): Promise<void> {
    makePrivateDirectory(dirname(this.#path));
    await replaceFile(this.#path, `${JSON.stringify({ ...readContent(this.#path), ...changes }, null, 2)}\n`);
  }

  #tell(error: Error): void {
    if (!this.#told) {
      this.#told = true;
      this.#onFailure(`What is chosen is not remembered: ${error.message}`);
    }
  }
}

/** What is in the file; throws what is wrong with it. Nothing if there is none. */
function readContent(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, "utf8").slice(0, LIMIT);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return {};
    }
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("it is not an object");
  }
  return { ...value };
}
