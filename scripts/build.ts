/**
 * Builds what ships into dist/:
 *
 * - `pm.cjs`: the entry; loads `cli.cjs` with its code cache (`build-code-cache.ts`).
 * - `cli.cjs`: the command line in one file, of which a command evaluates only
 *   what it uses. CommonJS, because an ESM entry costs 24 ms more to start; one
 *   file, because each further one costs half a millisecond.
 * - `streaming.cjs`: the SDK's streaming transport with the whole Connect
 *   client, twice as large as all the rest; loaded by commands that stream.
 * - `attach.cjs`: a terminal that is joined to a process.
 * - `admin.cjs`: certificates, users and contexts, for the few commands that
 *   change them.
 * - `host.cjs`: runs commands warm, in a thread of the daemon.
 * - `daemon.mjs`: the daemon.
 * - `config-file.mjs`, `check-config.mjs`: what only a daemon with a configuration file, or one that checks its
 *   configuration, needs; with the YAML parser a tenth of the rest.
 * - `re2js.cjs`: regular expressions, which a daemon loads with the first one.
 * - `tui.mjs`: the dashboard, and `ui.cjs`, which imports it.
 * - `contract.binpb`: the contract with its comments, for reflection.
 * - `build-id`: names this build, so that a launcher and a host of two builds leave each other alone.
 *
 * Usage: node scripts/build.ts
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { builtins } from "./builtins.ts";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node26",
  format: "esm",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  // A literal is parsed when it is met; the constructor that esbuild puts in its place costs 20 ms for \p{RGI_Emoji}.
  supported: { "regexp-set-notation": true, "regexp-unicode-property-escapes": true },
  define: { __PM_VERSION__: JSON.stringify(version), "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
} as const satisfies BuildOptions;

/** CommonJS dependencies inside an ESM bundle call `require`. */
const requireBanner = {
  js: 'import { createRequire as __createRequire } from "node:module";const require = __createRequire(import.meta.url);',
};

/** What the command line loads from a file of its own, by source. */
const separate = {
  "src/sdk/transport/streaming.ts": "streaming.cjs",
  "src/admin/index.ts": "admin.cjs",
  "src/terminal/standard-terminal.ts": "attach.cjs",
} as const;

/** What is no part of the command line and stands on it. */
const host = { "src/host/worker.ts": "host.cjs" } as const;

/** The same for what cannot be required: its `import()` stays one. */
const imported = { "src/tui/load.ts": "ui.cjs" } as const;

/** What the daemon loads from a file of its own. It shares nothing with the daemon but what it is given. */
const apart = {
  "src/server/config/config-file.ts": "config-file.mjs",
  "src/server/config/check.ts": "check-config.mjs",
} as const;

const commandLine = {
  ...common,
  format: "cjs",
  // `import()` would start Node's ESM loader.
  supported: { ...common.supported, "dynamic-import": false },
} as const satisfies BuildOptions;

/** Leaves sources out of the bundle, to be loaded from the file next to it. */
function loadFromBeside(files: Readonly<Record<string, string>>): Plugin {
  return {
    name: "load-from-beside",
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ path, resolveDir, kind }) => {
        const file = files[relative(root, join(resolveDir, path))];
        return kind === "dynamic-import" && file ? { path: `./${file}`, external: true } : undefined;
      });
    },
  };
}

/** The daemon requires the package from the file next to it. */
const expressions: Plugin = {
  name: "expressions",
  setup({ onLoad }) {
    onLoad({ filter: /\/supervision\/probe\/pattern\.ts$/ }, ({ path }) => {
      const [before, after, ...more] = readFileSync(path, "utf8").split('createRequire(import.meta.url)("re2js")');
      if (after === undefined || more.length > 0) throw new Error(`${path}: does not require re2js once`);
      return { loader: "ts", contents: `${before}createRequire(import.meta.url)("./re2js.cjs")${after}` };
    });
  },
};

const requireSeparate = loadFromBeside({ ...separate, ...imported });

/**
 * Takes every module that `cli.cjs` has from there: there must be one `PmError`
 * to compare with. `cli.cjs` exports them under their paths.
 */
function shareWith(mainInputs: ReadonlySet<string>, shared: Set<string>): Plugin {
  return {
    name: "share-modules",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./ }, ({ path, resolveDir, kind }) => {
        const source = relative(root, join(resolveDir, path));
        if (kind === "entry-point" || !mainInputs.has(source)) {
          return undefined;
        }
        shared.add(source);
        return { path: source, namespace: "shared" };
      });
      onLoad({ filter: /.*/, namespace: "shared" }, ({ path }) => ({
        contents: `module.exports = require("./cli.cjs")[${JSON.stringify(path)}];`,
      }));
    },
  };
}

const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
};

/** Releases have the licenses of all packages that the lock calls production. */
async function bundle(options: BuildOptions): Promise<{ readonly metafile: Metafile }> {
  const { metafile } = await build({ ...options, metafile: true });
  for (const input of Object.keys(metafile.inputs)) {
    const [path = ""] = /^node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(input) ?? [];
    if (lock.packages[path]?.dev === true) {
      throw new Error(`${path} is bundled: it belongs to "dependencies" of package.json`);
    }
  }
  return { metafile };
}

async function buildCommandLine(): Promise<void> {
  const main = "src/cli/run-here.ts";
  const { metafile } = await bundle({
    ...commandLine,
    entryPoints: [main],
    plugins: [requireSeparate],
    write: false,
  });
  const shared = new Set<string>();
  for (const [source, outfile] of Object.entries({ ...separate, ...host })) {
    await bundle({
      ...commandLine,
      entryPoints: [source],
      external: ["./cli.cjs"],
      plugins: [shareWith(new Set(Object.keys(metafile.inputs)), shared)],
      outfile: join(dist, outfile),
    });
  }
  const exported = [...shared].sort().map((source) => `export * as ${JSON.stringify(source)} from "./${source}";`);
  await bundle({
    ...commandLine,
    stdin: {
      contents: [...exported, `export { runHere } from "./${main}";`].join("\n"),
      resolveDir: root,
      sourcefile: "cli.ts",
    },
    plugins: [requireSeparate],
    outfile: join(dist, "cli.cjs"),
  });
  await bundle({ ...commandLine, entryPoints: ["src/cli/pm.ts"], outfile: join(dist, "pm.cjs") });
}

/** Ink asks for React's developer tools only when DEV is set; they are not shipped. */
const withoutDevtools: Plugin = {
  name: "without-devtools",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^react-devtools-core$/ }, () => ({ path: "react-devtools-core", namespace: "stub" }));
    onLoad({ filter: /.*/, namespace: "stub" }, () => ({ contents: "export default { connectToDevTools() {} };" }));
  },
};

/**
 * The layout library holds its WebAssembly in the text of its module, but asks `fetch` for it where there is one:
 * that would load Node's whole HTTP client, 35 ms.
 */
const withoutFetch: Plugin = {
  name: "without-fetch",
  setup({ onLoad }) {
    onLoad({ filter: /yoga-wasm-base64-esm\.js$/ }, ({ path }) => ({
      contents: `const fetch = undefined;\n${readFileSync(path, "utf8")}`,
    }));
  },
};

async function buildDashboard(): Promise<void> {
  await buildModule("src/tui/main.tsx", "tui.mjs", { plugins: [withoutDevtools, withoutFetch], jsx: "automatic" });
  const [[source, outfile]] = Object.entries(imported) as [[string, string]];
  await bundle({
    ...common,
    format: "cjs",
    entryPoints: [source],
    outfile: join(dist, outfile),
    plugins: [
      {
        name: "import-dashboard",
        setup({ onResolve }) {
          onResolve({ filter: /main\.tsx$/ }, () => ({ path: "./tui.mjs", external: true }));
        },
      },
    ],
  });
}

async function buildModule(entry: string, outfile: string, options: BuildOptions = {}): Promise<void> {
  await bundle({ ...common, entryPoints: [entry], outfile: join(dist, outfile), banner: requireBanner, ...options });
}

/**
 * Names what the launcher and the host execute, by its contents; the launcher by its source, because one build has
 * several.
 */
function writeBuildId(): void {
  const hash = createHash("sha256");
  const launcher = join(root, "src/launcher");
  const sources = readdirSync(launcher).map((name) => join(launcher, name));
  const bundles = readdirSync(dist).filter((name) => /\.[cm]js$/.test(name));
  for (const path of [...sources, ...bundles.map((name) => join(dist, name))].sort()) {
    hash.update(`${basename(path)}\0`).update(readFileSync(path));
  }
  writeFileSync(join(dist, "build-id"), hash.digest("hex").slice(0, 40));
}

// While files are replaced there is no build.
rmSync(join(dist, "build-id"), { force: true });
// V8 would take the cache of another cli.cjs of the same length.
rmSync(join(dist, "cli.cache"), { force: true });
await buildCommandLine();
await buildDashboard();
for (const [entry, outfile] of Object.entries({ "src/server/main.ts": "daemon.mjs", ...apart })) {
  await buildModule(entry, outfile, { plugins: [builtins, loadFromBeside(apart), expressions] });
}
await bundle({ ...common, format: "cjs", entryPoints: ["re2js"], outfile: join(dist, "re2js.cjs") });
// From the root: reflection shows what other packages the contract stands on, too.
execFileSync("node_modules/.bin/buf", ["build", "--as-file-descriptor-set", "-o", "dist/contract.binpb"], {
  cwd: root,
});
writeBuildId();
