/**
 * Builds the library into dist/sdk, as other projects import it: declarations
 * as the compiler emits them, the generated code module by module, and the
 * library itself in a few files. A program that imports it loads one file in
 * place of sixty: 8 ms of processor time instead of 39 beyond a bare Node.js.
 * The streaming transport stays in a file of its own, which a bundler of the
 * importing project can leave so.
 *
 * Usage: node scripts/build-sdk.ts [directory]
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { build, type Plugin } from "esbuild";

const root = join(import.meta.dirname, "..");
const target = resolve(process.argv[2] ?? join(root, "dist/sdk"));
const sources = join(target, "src");
const entries = ["sdk/index.js", "testing/index.js"];
/** As deep as the entries, so that what they import from outside has the same path from each. */
const chunks = "chunks";

/** Programs import generated code too, and must meet the same modules. */
const generated: Plugin = {
  name: "generated",
  setup({ onResolve }) {
    onResolve({ filter: /\/gen\/ts\// }, ({ path, resolveDir }) => ({
      path: relative(join(sources, chunks), resolve(resolveDir, path)),
      external: true,
    }));
  },
};

/**
 * Node.js makes an ES module of a built-in by reading all that it exports: `node:fs` loads streams and more for that,
 * `node:http` all of `fetch`. The built-in itself loads what is used: 3 ms less.
 */
function withBuiltins(code: string): string {
  return code.replace(
    /^import \{ ([^}]*) \} from ("node:(?:events|fs|http|net|os|path|stream|tls)");$/gm,
    (_, names: string, module: string) =>
      `const { ${names.replaceAll(" as ", ": ")} } = process.getBuiltinModule(${module});`,
  );
}

/** Loaded later, or beside the library. */
const otherParts = /\/(sdk\/transport\/(streaming|tls-stream)|testing\/index)\.js$/;

/**
 * Whoever loads one of the other parts has the library, too. Said here, so that what they have in common is one file,
 * and not one for each set of those who share it: each more costs a program a millisecond.
 */
function withLibrary(code: string, path: string): string {
  return `${code}\nimport ${JSON.stringify(relative(dirname(path), join(sources, "sdk/index.js")))};\n`;
}

const fewLoads: Plugin = {
  name: "few-loads",
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const code = withBuiltins(readFileSync(path, "utf8"));
      return { contents: otherParts.test(path) ? withLibrary(code, path) : code };
    });
  },
};

interface File {
  readonly path: string;
  readonly text: string;
}

/**
 * esbuild puts what the parts share in a file of its own, and leaves the library's entry with nothing but its exports.
 * That file becomes the entry: one more file costs a program 1.7 ms. So the entry exports, besides what its declarations
 * say, what the other parts need.
 */
function withSharedAsEntry(files: readonly File[]): File[] {
  const entry = join(sources, "sdk/index.js");
  const facade = files.find(({ path }) => path === entry)?.text ?? "";
  const sharedName = /^\} from "\.\.\/chunks\/(chunk-[^"]+)";$/m.exec(facade)?.[1];
  const shared = files.find(({ path }) => sharedName !== undefined && path === join(sources, chunks, sharedName));
  if (shared === undefined || exportsOf(facade).some((name) => !exportsOf(shared.text).includes(name))) {
    throw new Error(`the library's entry does not just export what is in one other file:\n${facade}`);
  }
  const moved = files.flatMap(({ path, text }) => {
    if (path === entry) return [];
    if (path !== shared.path) {
      const from = relative(dirname(path), shared.path).replace(/^(?!\.)/, "./");
      return [{ path, text: text.replaceAll(JSON.stringify(from), JSON.stringify(relative(dirname(path), entry))) }];
    }
    // Only what is loaded later is beside it.
    return [{ path: entry, text: text.replaceAll('import("./', `import("../${chunks}/`) }];
  });
  if (moved.some(({ text }) => text.includes(`${sharedName}"`))) throw new Error(`${sharedName} is imported elsewhere`);
  return moved;
}

function exportsOf(code: string): string[] {
  const list = /^export \{([^}]*)\};$/m.exec(code)?.[1] ?? "";
  return list.split(",").map((name) => name.trim());
}

rmSync(target, { recursive: true, force: true });
const { status } = spawnSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "tsconfig.sdk.json"), "--outDir", target],
  { stdio: "inherit" },
);
if (status !== 0) process.exit(status ?? 1);

const modules = readdirSync(sources, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".js"))
  .map((name) => join(sources, name));
const { outputFiles } = await build({
  // Names of chunks depend on paths: they must not depend on where a release is made.
  absWorkingDir: sources,
  entryPoints: entries.map((name) => join(sources, name)),
  outbase: sources,
  outdir: sources,
  chunkNames: `${chunks}/[name]-[hash]`,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  plugins: [generated, fewLoads],
  legalComments: "none",
  logLevel: "warning",
  write: false,
});
for (const module of modules) rmSync(module);
for (const { path, text } of withSharedAsEntry(outputFiles)) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
