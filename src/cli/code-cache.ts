/**
 * Loads the command line with the bytecode that V8 made of it at build time.
 *
 * Node's own compile cache keeps only what is compiled when a file is loaded;
 * most functions of a command are compiled when they are first called, in each
 * run anew. A code cache that is made after some commands ran has these too
 * (https://v8.dev/blog/code-caching-for-devs), which spares a command an eighth
 * of a bare start of the runtime (docs/decisions.md).
 */
import { readFileSync } from "node:fs";
import NodeModule, { createRequire } from "node:module";
import { dirname } from "node:path";
import { Script } from "node:vm";

/**
 * A CommonJS file as a script. V8 takes the cache only from its own version and flags; without one, or with a refused
 * one, it compiles.
 *
 * @param file absolute path of a file in ASCII
 * @param cacheFile made by the `createCachedData()` of the script of this very file: V8 does not compare the contents
 */
export function readScript(file: string, cacheFile: string): Script {
  const cachedData = readIfThere(cacheFile);
  const source = readFileSync(file, "latin1");
  return new Script(`(function (exports, require, module, __filename, __dirname) { ${source}\n})`, {
    filename: file,
    ...(cachedData !== undefined && { cachedData }),
  });
}

/** Runs a script that `readScript` read, as the module that others get when they require its file; returns its exports. */
export function runScript(script: Script, file: string): unknown {
  const module = new NodeModule(file);
  module.filename = file;
  const require = createRequire(file);
  require.cache[file] = module;
  script.runInThisContext()(module.exports, require, module, file, dirname(file));
  module.loaded = true;
  return module.exports;
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
