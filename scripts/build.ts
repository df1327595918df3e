/**
 * Builds what ships into dist/:
 *
 * - `pm.cjs` and `cli/*.cjs`: the command line, split so that a command loads
 *   only what it uses. CommonJS, because an ESM entry costs 24 ms more to start.
 *   esbuild splits ESM alone; so the parts are built as ESM first and each is
 *   translated to CommonJS then. No module is in two parts, so that there is
 *   one `PmError` to compare with.
 * - `daemon.mjs`: the daemon.
 * - `tui.mjs`: the dashboard.
 *
 * Usage: node scripts/build.ts
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type BuildOptions, build, transform } from "esbuild";

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
  define: { __PM_VERSION__: JSON.stringify(version), "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
} as const satisfies BuildOptions;

/** CommonJS dependencies inside an ESM bundle call `require`. */
const requireBanner = {
  js: 'import { createRequire as __createRequire } from "node:module";const require = __createRequire(import.meta.url);',
};

async function buildCommandLine(): Promise<void> {
  const { outputFiles } = await build({
    ...common,
    entryPoints: { pm: "src/cli/main.ts" },
    splitting: true,
    outdir: dist,
    chunkNames: "cli/[name]-[hash]",
    outExtension: { ".js": ".cjs" },
    write: false,
  });
  rmSync(join(dist, "cli"), { recursive: true, force: true });
  mkdirSync(join(dist, "cli"), { recursive: true });
  for (const { path, text } of outputFiles) {
    const { code } = await transform(text, {
      format: "cjs",
      platform: "node",
      target: "node26",
      // `import()` would start Node's ESM loader.
      supported: { "dynamic-import": false },
      minifySyntax: true,
      minifyWhitespace: true,
      define: { "import.meta.dirname": "__dirname" },
      sourcefile: basename(path),
    });
    writeFileSync(path, code);
  }
}

async function buildModule(entry: string, outfile: string, options: BuildOptions = {}): Promise<void> {
  await build({ ...common, entryPoints: [entry], outfile: join(dist, outfile), banner: requireBanner, ...options });
}

await buildCommandLine();
for (const [entry, outfile] of [
  ["src/server/main.ts", "daemon.mjs"],
  ["src/tui/main.tsx", "tui.mjs"],
] as const) {
  if (existsSync(join(root, entry))) {
    await buildModule(entry, outfile);
  }
}
