import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A tmpfs of its own that can be filled. */
export class SmallMount {
  readonly directory: string;
  #fillers: string[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** @param options As mount(8) takes them. Null: this user may not mount. */
  static make(options: string): SmallMount | null {
    const directory = mkdtempSync(join(tmpdir(), "pm-faults-full-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", options, "none", directory], { stdio: "ignore" });
      return new SmallMount(directory);
    } catch {
      rmSync(directory, { recursive: true });
      return null;
    }
  }

  fillSpace(): void {
    const path = join(this.directory, "filler");
    this.#fillers.push(path);
    const fd = openSync(path, "w");
    untilFull(() => writeSync(fd, Buffer.alloc(4096)));
    closeSync(fd);
  }

  fillInodes(): void {
    untilFull(() => {
      const path = join(this.directory, `filler-${this.#fillers.length}`);
      closeSync(openSync(path, "wx"));
      this.#fillers.push(path);
    });
  }

  free(): void {
    for (const path of this.#fillers) rmSync(path, { force: true });
    this.#fillers = [];
  }

  remove(): void {
    execFileSync("umount", ["--lazy", this.directory]);
    rmSync(this.directory, { recursive: true });
  }
}

function untilFull(action: () => void): void {
  try {
    for (;;) action();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}
