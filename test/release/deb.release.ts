/** The Debian package, by dpkg into a tree of its own. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { requires } from "../support/requires.ts";
import { emptyPlace, released, runningFrom } from "./support/place.ts";

const available = requires(
  "dpkg, as root on amd64",
  process.getuid?.() === 0 && spawnSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).stdout === "amd64\n",
);

function isInstalled(command: string): boolean {
  return spawnSync(command, ["--version"]).status === 0;
}

/** What `dpkg` itself keeps. */
const own = /^var\/lib\/dpkg|^var\/log|^var$|^var\/lib$/;

/** Debian's packages of the libraries that Node.js may be linked with. */
const packages = new Map([
  ["libatomic.so.1", "libatomic1"],
  ["libgcc_s.so.1", "libgcc-s1"],
  ["libstdc++.so.6", "libstdc++6"],
]);

test.runIf(requires("dpkg-deb and objdump", ["dpkg-deb", "objdump"].every(isInstalled)))(
  "depends on what its Node.js is linked with",
  () => {
    using place = emptyPlace();
    for (const architecture of ["amd64", "arm64"]) {
      const file = released(new RegExp(`_${architecture}\\.deb$`));
      const tree = join(place.directory, architecture);
      expect(spawnSync("dpkg-deb", ["--extract", file, tree]).status).toBe(0);
      const node = readdirSync(tree, { recursive: true, encoding: "utf8" }).find((path) => path.endsWith("/bin/node"));
      const headers = spawnSync("objdump", ["--private-headers", join(tree, node ?? "")], { encoding: "utf8" }).stdout;
      const libraries = [...headers.matchAll(/NEEDED\s+(\S+)/g)].map(([, name]) => name ?? "");
      expect(libraries).toContain("libstdc++.so.6");
      const depends = spawnSync("dpkg-deb", ["--field", file, "Depends"], { encoding: "utf8" }).stdout;
      const names = depends.split(",").map((text) => text.trim().replace(/ .*/s, ""));
      const wanted = new Set(libraries.map((name) => packages.get(name) ?? "libc6"));
      expect(new Set(names)).toEqual(wanted);
    }
  },
  120_000,
);

test.runIf(available)(
  "installs, runs, is upgraded over running processes, and leaves nothing",
  () => {
    using place = emptyPlace();
    const tree = join(place.directory, "tree");
    const admin = join(tree, "var/lib/dpkg");
    for (const directory of ["info", "updates", "triggers"]) {
      mkdirSync(join(admin, directory), { recursive: true });
    }
    writeFileSync(join(admin, "status"), "");
    // The libraries are this machine's. The package's scripts know by DPKG_ROOT that users and systemd are not theirs.
    const dpkg = (...args: string[]) =>
      place.run("dpkg", [`--root=${tree}`, "--force-depends", "--force-script-chrootless", "--log=/dev/null", ...args]);
    const file = released(/_amd64\.deb$/);
    const install = () => {
      const { status, stderr } = dpkg("--install", file);
      expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    };
    install();
    expect(existsSync(join(tree, "usr/lib/systemd/system/pm.service"))).toBe(true);
    expect(existsSync(join(tree, "usr/share/man/man1/pm-start.1.gz"))).toBe(true);
    const pm = join(tree, "usr/lib/pm/dist/pm");
    try {
      const { status, stdout } = place.run(pm, ["run", "--", "echo", "hello"]);
      expect({ status, stdout }).toEqual({ status: 0, stdout: "hello\n" });
      const id = place.run(pm, ["start", "-n", "kept", "--", "sleep", "1000"]).stdout.trim();
      install();
      expect(place.run(pm, ["daemon", "stop"]).status).toBe(0);
      expect(JSON.parse(place.run(pm, ["status", "-o", "json", "kept"]).stdout)).toMatchObject({ id });
    } finally {
      place.run(pm, ["daemon", "stop", "--stop-processes", "-t", "0"]);
    }
    expect(runningFrom(tree)).toEqual([]);
    const removed = dpkg("--purge", "pm");
    expect({ status: removed.status, stderr: removed.status === 0 ? "" : removed.stderr }).toEqual({
      status: 0,
      stderr: "",
    });
    const left = readdirSync(tree, { recursive: true, encoding: "utf8" }).filter((path) => !own.test(path));
    expect(left).toEqual([]);
  },
  600_000,
);
