/** What `bin/pm` starts: the command line, from its code cache. Bundled as dist/pm.cjs, beside dist/cli.cjs. */
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { readScript, runScript } from "./code-cache.ts";

// For what the command line requires besides.
enableCompileCache(join(__dirname, "cache"));
const file = join(__dirname, "cli.cjs");
const commandLine = runScript(readScript(file, join(__dirname, "cli.cache")), file) as { runHere(): void };
commandLine.runHere();
