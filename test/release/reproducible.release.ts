/** A second release of the same commit is the same, byte for byte. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { release, released, root } from "./support/place.ts";

test("two runs make the same checksums", () => {
  const second = mkdtempSync(join(tmpdir(), "pm-again-"));
  try {
    const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/release/main.ts"), second], {
      encoding: "utf8",
    });
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    const sums = (directory: string) => readFileSync(join(directory, "SHA256SUMS"), "utf8");
    expect(sums(second)).toBe(sums(release));
    // Of all that is in it, this is what npm takes from the directory.
    const { metadata } = JSON.parse(readFileSync(released(/\.cdx\.json$/), "utf8"));
    expect(metadata.component.name).toBe("process-manager");
    expect(spawnSync("sha256sum", ["-c", "--quiet", "SHA256SUMS"], { cwd: release }).status).toBe(0);
  } finally {
    rmSync(second, { recursive: true, force: true });
  }
}, 1_200_000);
