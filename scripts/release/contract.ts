/** The contract for other languages: its descriptors with all comments, and its sources with what they import. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { project } from "./project.ts";
import { root, run, sourceDate } from "./run.ts";

export function exportContract(stage: string, release: string): void {
  const buf = join(root, "node_modules/.bin/buf");
  const name = `pm-contract-${project.version}`;
  run(buf, ["build", "proto", "--as-file-descriptor-set", "-o", join(release, `${name}.binpb`)]);
  const sources = join(stage, name);
  mkdirSync(sources, { recursive: true });
  run(buf, ["export", ".", "-o", sources]);
  archive(stage, name, join(release, `${name}.tar.gz`));
}

/** A tar archive that depends on names and contents alone. */
function archive(directory: string, name: string, file: string): void {
  const same = [
    "--sort=name",
    `--mtime=@${sourceDate()}`,
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--mode=u+rw,go+r",
  ];
  run("tar", ["-c", ...same, "-I", "gzip -n9", "-f", file, "-C", directory, name]);
}
