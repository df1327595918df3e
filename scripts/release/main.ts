/**
 * Makes the files of a release:
 *
 * - `process-manager-VERSION.tgz`: the SDK for npm
 * - `process-manager-cli-VERSION.tgz`: the program for npm
 * - `pm_VERSION_ARCH.deb`: the program for Debian and Ubuntu, with its Node.js
 * - `process_manager_client-VERSION-py3-none-any.whl`: the Python client
 * - `pm-contract-VERSION.binpb` and `.tar.gz`: the contract's descriptors and sources
 * - `pm-VERSION.cdx.json`: what it is made of (CycloneDX)
 * - `SHA256SUMS`
 *
 * Two runs on the same commit make the same files. Needs Go and Python beside
 * what the build needs, and the registries of npm, Go and PyPI.
 *
 * Usage: node scripts/release/main.ts [DIRECTORY]
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { architectures } from "./architectures.ts";
import { writeChecksums } from "./checksums.ts";
import { exportContract } from "./contract.ts";
import { buildDeb } from "./deb.ts";
import { compileNative } from "./native.ts";
import { packProgram } from "./program-package.ts";
import { root, run } from "./run.ts";
import { writeSbom } from "./sbom.ts";
import { packSdk } from "./sdk-package.ts";
import { buildWheel } from "./wheel.ts";

const release = resolve(process.argv[2] ?? join(root, "release"));
const stage = mkdtempSync(join(tmpdir(), "pm-release-"));
try {
  rmSync(release, { recursive: true, force: true });
  mkdirSync(release, { recursive: true });
  run(process.execPath, [join(root, "scripts/build.ts")]);
  const native = join(stage, "native");
  for (const architecture of architectures) {
    compileNative(architecture, join(native, architecture.node));
  }
  packSdk(join(stage, "sdk"), release);
  packProgram(join(stage, "program"), native, release);
  for (const architecture of architectures) {
    await buildDeb(join(stage, architecture.debian), native, release, architecture);
  }
  exportContract(stage, release);
  buildWheel(join(stage, "python"), release);
  writeSbom(release);
  writeChecksums(release);
  for (const name of readdirSync(release)) {
    console.log(join(release, name));
  }
} finally {
  rmSync(stage, { recursive: true, force: true });
}
