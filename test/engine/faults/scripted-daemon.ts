/**
 * A daemon to be killed. Arguments: the runtime directory, the path of pm-shim,
 * and orders as JSON. Orders are carried out side by side but for starts, which
 * are waited for until the program has written something. It writes "done N"
 * when order N is done, and "state N STATE" when the process of order N is in
 * another state.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { openEngine } from "../../../src/server/engine/lifecycle/open.ts";
import type { Moment, Order } from "./daemon.ts";
import { inputBytes } from "./input-bytes.ts";

const [, , runtimeDir = "", shimPath = "", json = "[]"] = process.argv;
const orders: Order[] = JSON.parse(json);
const engine = await openEngine({ runtimeDir, shimPath, cgroupRoot: null });

function carryOut(order: Order): Promise<unknown> {
  const context = { principal: "local", requestId: order.requestId ?? "", precondition: null };
  if ("dieAt" in order && order.dieAt !== undefined) dieAt(order.dieAt);
  switch (order.do) {
    case "signal":
      return engine.signal({ id: order.id }, order.signal, "main", context);
    case "start": {
      const { name, labels, ...spec } = order.spec;
      return engine.start({ id: order.id, name, labels, spec }, context).then(() => untilReady(order.id));
    }
    case "stop": {
      const { id, graceMs, force } = order;
      return engine.stop({ id }, { signal: "", graceMs, force, wait: true }, context);
    }
    case "restart": {
      const { id, graceMs, force } = order;
      return engine.restart({ id }, { signal: "", graceMs, force }, null, context);
    }
    case "write": {
      const { close, inputOffset } = order.input;
      const input = { data: inputBytes(order.input), close, inputOffset };
      return engine.writeInput({ id: order.id }, input, context, new AbortController().signal);
    }
    case "remove":
      return engine.remove({ id: order.id }, true, context);
  }
}

/** No other process could kill it at the very moment. */
function dieAt(moment: Moment): void {
  const die = () => process.kill(process.pid, "SIGKILL");
  const { renameSync, openSync, writeSync } = fs;
  let records = 0;
  let control = -1;
  fs.renameSync = (from, to) => {
    if (String(to).endsWith("/process.json") && moment === `record ${++records}`) die();
    renameSync(from, to);
  };
  fs.openSync = (path, ...rest) => {
    const fd = openSync(path, ...rest);
    if (String(path).endsWith("/control")) control = fd;
    return fd;
  };
  fs.writeSync = ((fd: number, ...rest: [Uint8Array]) => {
    if (fd === control && moment === "beforeTold") die();
    const written = writeSync(fd, ...rest);
    if (fd === control && moment === "told") die();
    control = -1;
    return written;
  }) as typeof writeSync;
  syncBuiltinESMExports();
}

/** A program has begun, and set its traps, when it has written something. */
async function untilReady(id: string): Promise<void> {
  const options = {
    run: null,
    start: { position: { kind: "offset", offset: 0 }, since: null },
    streams: [],
    until: null,
    follow: true,
    heartbeatMs: 60_000,
    hold: null,
  } as const;
  for await (const frame of engine.streamOutput({ id }, options, new AbortController().signal)) {
    if (frame.kind === "chunk") return;
  }
}

async function report(): Promise<void> {
  const options = { afterSequence: null, filter: null, types: [], follow: true, heartbeatMs: 60_000 };
  for await (const frame of engine.events(options, new AbortController().signal)) {
    if (frame.kind !== "event" || frame.event.to === null) continue;
    const number = orders.findIndex(({ id }) => id === frame.event.processId);
    process.stdout.write(`state ${number} ${frame.event.to}\n`);
  }
}

void report();
for (const [number, order] of orders.entries()) {
  const work = carryOut(order).then(() => process.stdout.write(`done ${number}\n`));
  if (order.do === "start") await work;
  else work.catch((error: unknown) => process.stdout.write(`failed ${number} ${String(error)}\n`));
}
setInterval(() => {}, 1000);
