import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { everything } from "../../src/server/engine/api/list.ts";
import type { OutputFrame, OutputsFrame, StreamOutputsOptions } from "../../src/server/engine/api/output.ts";
import type { ProcessInfo } from "../../src/server/engine/api/process.ts";
import type { ProcessEngine } from "../../src/server/engine/engine.ts";
import { limit, open, reasonOf, runtimeDirectory, shell, somebody } from "./harness.ts";

const beginning = { position: { kind: "offset", offset: 0 }, since: null } as const;

async function start(
  engine: ProcessEngine,
  script: string,
  more: { name?: string; labels?: Record<string, string>; allowHold?: boolean } = {},
): Promise<ProcessInfo> {
  const { name: _, labels: __, ...spec } = shell(script);
  const whenFull = more.allowHold === true ? "allowHold" : "dropOldest";
  const wanted = { ...spec, output: { limitBytes: 65_536, whenFull } } as const;
  const request = { id: "", name: more.name ?? "", labels: more.labels ?? {}, spec: wanted };
  return (await engine.start(request, somebody)).process;
}

function hold(engine: ProcessEngine, id: string, token: string, offset: number): AsyncIterable<OutputFrame> {
  const options = {
    run: null,
    start: { position: { kind: "offset", offset }, since: null },
    streams: [],
    until: null,
    follow: true,
    heartbeatMs: 15_000,
    hold: { token },
  } as const;
  return engine.streamOutput({ id }, options, limit());
}

function many(engine: ProcessEngine, more: Partial<StreamOutputsOptions> = {}): AsyncIterable<OutputsFrame> {
  const options: StreamOutputsOptions = {
    filter: everything,
    start: beginning,
    cursors: [],
    streams: [],
    follow: true,
    untilIdle: true,
    until: null,
    mergeWindowMs: 20,
    heartbeatMs: 15_000,
    currentRunOnly: false,
    ...more,
  };
  return engine.streamOutputs(options, limit());
}

test("a held run loses nothing, though its daemon is replaced again and again", async () => {
  const directory = runtimeDirectory();
  let engine = (await open({ runtimeDir: directory })).engine;
  const gate = join(directory, "gate");
  const script = `while [ ! -e ${gate} ]; do sleep 0.01; done; seq 1 300000`;
  const { id } = await start(engine, script, { allowHold: true });
  const hash = createHash("sha256");
  let position = 0;
  let token = "";
  for (let ended = false; !ended; ) {
    const from = position;
    for await (const frame of hold(engine, id, token, position)) {
      if (frame.kind === "opened") {
        expect(token === "" || token === frame.holdToken).toBe(true);
        token = frame.holdToken;
        writeFileSync(gate, "");
      } else if (frame.kind === "chunk") {
        expect(frame.chunk.offset).toBe(position);
        hash.update(frame.chunk.data);
        position += frame.chunk.data.length;
        await engine.acknowledgeOutput({ processId: id, run: 1, token, nextOffset: position, release: false });
      } else if (frame.kind === "gap") {
        throw new Error(`gap at ${frame.gap.from}`);
      } else if (frame.kind === "end") {
        expect(frame).toMatchObject({ reason: "complete", exit: { code: 0 } });
        ended = true;
      }
      if (position > from + 400_000) break;
    }
    await engine.close();
    engine = (await open({ runtimeDir: directory })).engine;
  }
  const expected = Array.from({ length: 300_000 }, (_, index) => `${index + 1}\n`).join("");
  expect(position).toBe(expected.length);
  expect(hash.digest("hex")).toBe(createHash("sha256").update(expected).digest("hex"));
  await engine.remove({ id }, false, somebody);
  expect(existsSync(join(directory, "p", id))).toBe(false);
});

test("only a run whose spec allows it is held, and by one", async () => {
  const { engine } = await open();
  const { id } = await start(engine, "sleep 100");
  const first = async (frames: AsyncIterable<OutputFrame>) => {
    for await (const _ of frames) return;
  };
  expect(await reasonOf(first(hold(engine, id, "", 0)))).toBe("HOLD_REFUSED");
  const held = await start(engine, "sleep 100", { allowHold: true });
  for await (const frame of hold(engine, held.id, "", 0)) {
    if (frame.kind !== "opened") continue;
    expect(frame.output.held).toBe(true);
    expect(await reasonOf(first(hold(engine, held.id, "", 0)))).toBe("OUTPUT_HELD");
    const release = { processId: held.id, run: 1, token: frame.holdToken, nextOffset: 0, release: true };
    await engine.acknowledgeOutput(release);
    expect(engine.get({ id: held.id }).run.output.held).toBe(false);
    expect(await reasonOf(engine.acknowledgeOutput(release))).toBe("HOLD_REFUSED");
    break;
  }
});

test("processes and runs join a stream of many, and end in it", async () => {
  const { engine } = await open();
  const web = { labels: { app: "web" } };
  const [a] = [await start(engine, "echo first; read x", web), await start(engine, "echo other; sleep 100")];
  const filter = { ...everything, labels: [{ key: "app", op: "equals", value: "web" } as const] };
  const members = new Map<number, string>();
  const texts: Record<string, string> = {};
  const ends: Record<string, string> = {};
  let restarted = false;
  for await (const frame of many(engine, { filter })) {
    if (frame.kind === "opened") expect(frame.selected).toBe(1);
    if (frame.kind === "memberOpened") members.set(frame.member, `${frame.processId}/${frame.run}`);
    if (frame.kind === "memberEnd") ends[members.get(frame.member) ?? ""] = frame.end.reason;
    if (frame.kind === "gap") throw new Error("gap");
    if (frame.kind !== "chunk") continue;
    const name = members.get(frame.member) ?? "";
    texts[name] = (texts[name] ?? "") + Buffer.from(frame.chunk.data).toString();
    if (restarted) continue;
    restarted = true;
    await engine.restart({ id: a.id }, { signal: "", graceMs: null, force: false }, null, somebody);
    const b = await start(engine, "echo new", web);
    await engine.wait({ id: b.id }, "treeGone", null, limit());
    await engine.stop({ id: a.id }, { signal: "", graceMs: null, force: true, wait: true }, somebody);
  }
  const b = [...members.values()].find((name) => !name.startsWith(a.id)) ?? "";
  expect(texts).toEqual({ [`${a.id}/1`]: "first\n", [`${a.id}/2`]: "first\n", [b]: "new\n" });
  expect(ends).toEqual({ [`${a.id}/1`]: "complete", [`${a.id}/2`]: "complete", [b]: "complete" });
});

test("a run that is no longer kept, and a removed process, end in a stream of many", async () => {
  const { engine } = await open({ keptRuns: 1 });
  const { id } = await start(engine, "echo $$; exec sleep 100", { name: "kept" });
  const ends: string[] = [];
  const runs = new Map<number, number>();
  for await (const frame of many(engine)) {
    if (frame.kind === "memberOpened") runs.set(frame.member, frame.run);
    if (frame.kind === "memberEnd") ends.push(`${runs.get(frame.member)} ${frame.end.reason}`);
    if (frame.kind !== "chunk") continue;
    if (runs.size === 1) await engine.restart({ id }, { signal: "", graceMs: null, force: false }, null, somebody);
    else await engine.remove({ id }, true, somebody);
  }
  expect(ends.length).toBe(2);
  expect(ends[0]).toMatch(/^1 (complete|removed)$/);
  expect(ends[1]).toMatch(/^2 (complete|removed)$/);
});
