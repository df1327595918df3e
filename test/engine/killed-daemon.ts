/**
 * A daemon to be killed. Arguments: the runtime directory, the path of
 * pm-shim, and what to start as JSON: [id, ProcessSpec][]. It writes "opened",
 * then "started" when all run, then the output of the first as it comes.
 */
import { openEngine } from "../../src/server/engine/lifecycle/open.ts";
import type { Wanted } from "./harness.ts";

const [, , runtimeDir = "", shimPath = "", json = "[]"] = process.argv;
const wanted: [string, Wanted][] = JSON.parse(json);
const engine = await openEngine({ runtimeDir, shimPath, cgroupRoot: null });
process.stdout.write("opened\n");
const context = { principal: "local", requestId: "", precondition: null };
await Promise.all(wanted.map(([id, { name, labels, ...spec }]) => engine.start({ id, name, labels, spec }, context)));
process.stdout.write("started\n");
const options = {
  run: null,
  start: { position: { kind: "offset", offset: 0 }, since: null },
  until: null,
  hold: null,
  streams: [],
  follow: true,
  heartbeatMs: 15_000,
} as const;
for (const [id] of wanted.slice(0, 1)) {
  for await (const frame of engine.streamOutput({ id }, options, new AbortController().signal)) {
    if (frame.kind === "chunk") process.stdout.write(frame.chunk.data);
  }
}
setInterval(() => {}, 1000);
