/** The Debian package, made by nfpm: the program with its Node.js, manual pages, completions and systemd units. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { completionScripts } from "../../src/cli/completion/scripts.ts";
import type { Architecture } from "./architectures.ts";
import { writeManPages } from "./man-pages.ts";
import { copyProgram } from "./program-files.ts";
import { pinned, project } from "./project.ts";
import { root, run, sourceDate } from "./run.ts";

const nfpm = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.41.3";
const packaging = join(root, "packaging/deb");

/** Node.js of an architecture, as the package that npm would install. */
function unpackNode(stage: string, { node }: Architecture): string {
  const name = `node-linux-${node}`;
  const directory = join(stage, name);
  mkdirSync(directory, { recursive: true });
  const spec = `${name}@${pinned([name])[name]}`;
  const [packed] = Object.values(
    JSON.parse(run("npm", ["pack", "--silent", "--json", "--pack-destination", stage, spec])) as Record<
      string,
      { filename: string; integrity: string }
    >,
  );
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { integrity?: string }>;
  };
  if (packed === undefined || packed.integrity !== lock.packages[`node_modules/${name}`]?.integrity) {
    throw new Error(`${spec} is not what package-lock.json says`);
  }
  run("tar", ["-xzf", join(stage, packed.filename), "-C", directory, "--strip-components=1"]);
  return directory;
}

/**
 * @param native directory with the C programs by architecture
 */
export async function buildDeb(
  stage: string,
  native: string,
  release: string,
  architecture: Architecture,
): Promise<void> {
  const program = join(stage, "program");
  copyProgram(program);
  const bundles = readdirSync(join(program, "dist"));
  const man = join(stage, "man");
  for (const name of await writeManPages(man)) {
    writeFileSync(join(man, `${name}.gz`), gzipSync(readFileSync(join(man, name)), { level: 9 }));
  }
  for (const [shell, text] of Object.entries(completionScripts)) {
    writeFileSync(join(stage, shell), text);
  }
  const node = unpackNode(stage, architecture);
  const lib = "/usr/lib/pm";
  const file = (src: string, dst: string, mode = 0o644) => ({ src, dst, file_info: { mode } });
  const contents = [
    ...bundles.map((name) => file(join(program, "dist", name), `${lib}/dist/${name}`)),
    file(join(native, architecture.node, "pm"), `${lib}/dist/pm`, 0o755),
    file(join(native, architecture.node, "pm-shim"), `${lib}/dist/pm-shim`, 0o755),
    file(join(node, "bin/node"), `${lib}/node_modules/node-linux-${architecture.node}/bin/node`, 0o755),
    file(join(node, "LICENSE"), `${lib}/node_modules/node-linux-${architecture.node}/LICENSE`),
    { src: `${lib}/dist/pm`, dst: "/usr/bin/pm", type: "symlink" },
    file(join(program, "LICENSE"), "/usr/share/doc/pm/copyright"),
    file(join(program, "THIRD-PARTY-LICENSES"), "/usr/share/doc/pm/THIRD-PARTY-LICENSES"),
    { src: `${man}/*.gz`, dst: "/usr/share/man/man1/" },
    file(join(stage, "bash"), "/usr/share/bash-completion/completions/pm"),
    file(join(stage, "zsh"), "/usr/share/zsh/vendor-completions/_pm"),
    file(join(stage, "fish"), "/usr/share/fish/vendor_completions.d/pm.fish"),
    file(join(packaging, "system.service"), "/usr/lib/systemd/system/pm.service"),
    file(join(packaging, "user.service"), "/usr/lib/systemd/user/pm.service"),
    file(join(packaging, "sysusers.conf"), "/usr/lib/sysusers.d/pm.conf"),
    { dst: "/etc/pm", type: "dir", file_info: { mode: 0o755 } },
    { ...file(join(packaging, "daemon.yaml"), "/etc/pm/daemon.yaml", 0o600), type: "config|noreplace" },
  ];
  const config = {
    name: "pm",
    arch: architecture.debian,
    platform: "linux",
    version: project.version,
    section: "admin",
    priority: "optional",
    maintainer: "The pm authors <pm@localhost>",
    description: "Process manager whose contract is its product",
    license: project.license,
    mtime: new Date(sourceDate() * 1000).toISOString(),
    // What Node.js is linked with (a minimal Debian has no libatomic1). A test compares them with the program.
    depends: ["libc6 (>= 2.28)", "libstdc++6 (>= 10)", "libatomic1", "libgcc-s1"],
    contents,
    scripts: {
      postinstall: join(packaging, "postinst.sh"),
      preremove: join(packaging, "prerm.sh"),
      postremove: join(packaging, "postrm.sh"),
    },
    deb: { compression: "zstd" },
  };
  const configFile = join(stage, "nfpm.json");
  writeFileSync(configFile, JSON.stringify(config));
  const target = join(release, `pm_${project.version}_${architecture.debian}.deb`);
  run("go", ["run", nfpm, "package", "--config", configFile, "--packager", "deb", "--target", target], { cwd: stage });
}
