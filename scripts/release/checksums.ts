/** `SHA256SUMS`, for `sha256sum -c`. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export function writeChecksums(release: string): void {
  const lines = readdirSync(release)
    .sort()
    .map(
      (name) =>
        `${createHash("sha256")
          .update(readFileSync(join(release, name)))
          .digest("hex")}  ${name}\n`,
    );
  writeFileSync(join(release, "SHA256SUMS"), lines.join(""));
}
