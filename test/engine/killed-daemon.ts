/**
 * A daemon to be killed. Arguments: the runtime directory, the path of
 * pm-shim, and what to start as JSON: [id, ProcessSpec][]. It writes "opened",
 * then "started" when all run, then the output of the first as it comes.
 */
import type { ProcessSpec } from "../../src/server/engine/api/spec.ts";
import { openEngine } from "../../src/server/engine/lifecycle/open.ts";

const [, , runtimeDir = "", shimPath = "", json = "[]"] = process.argv;
const wanted: [string, ProcessSpec][] = JSON.parse(json);
const engine = await openEngine({ runtimeDir, shimPath, cgroupRoot: null });
process.stdout.write("opened\n");
await Promise.all(wanted.map(([id, spec]) => engine.start({ id, spec })));
process.stdout.write("started\n");
const options = {
  run: 0,
  start: { kind: "offset", offset: 0 },
  streams: [],
  follow: true,
  heartbeatMs: 15_000,
} as const;
for (const [id] of wanted.slice(0, 1)) {
  for await (const frame of engine.streamOutput(id, options, new AbortController().signal)) {
    if (frame.kind === "chunk") process.stdout.write(frame.chunk.data);
  }
}
setInterval(() => {}, 1000);
