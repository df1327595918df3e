/** What the release is made of, as CycloneDX. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { project } from "./project.ts";
import { run, sourceDate } from "./run.ts";

interface Document {
  serialNumber: string;
  metadata: { timestamp: string; component: { name: string } };
}

export function writeSbom(release: string): void {
  const document = JSON.parse(
    run("npm", ["sbom", "--sbom-format=cyclonedx", "--omit=dev", "--package-lock-only"]),
  ) as Document;
  document.metadata.timestamp = new Date(sourceDate() * 1000).toISOString();
  // npm takes the name of the directory, wherever the release is made.
  document.metadata.component.name = project.name;
  document.serialNumber = "";
  // npm draws one by chance: this one follows from the contents, as a UUID of version 8 (RFC 9562).
  const hash = createHash("sha256").update(JSON.stringify(document)).digest("hex");
  const parts = [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`, `8${hash.slice(17, 20)}`];
  document.serialNumber = `urn:uuid:${parts.join("-")}-${hash.slice(20, 32)}`;
  writeFileSync(join(release, `pm-${project.version}.cdx.json`), `${JSON.stringify(document, undefined, 2)}\n`);
}
