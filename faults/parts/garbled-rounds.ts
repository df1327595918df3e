/**
 * Rounds of the part "garbled", in a process that may hang or die of them.
 * Arguments: a directory for them, the seed, the first round, how many garblings
 * are wanted. It writes a RoundResult as JSON at the beginning and at the end of
 * each round.
 *
 * A round: an engine starts processes and ends; one to three files are
 * garbled; the next engine must start, list what lives, keep what is readable,
 * and name what is not.
 */

import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessInfo } from "../../src/server/engine/api/process.ts";
import type { ProcessEngine } from "../../src/server/engine/engine.ts";
import { EngineError } from "../../src/server/engine/errors.ts";
import { openEngine } from "../../src/server/engine/lifecycle/open.ts";
import { prepareRuntimeDirectory } from "../../src/server/engine/lifecycle/runtime-directory.ts";
import { processesOf } from "../../test/support/leftovers.ts";
import { Random } from "../support/random.ts";
import { isAlive, kill } from "../support/scope.ts";
import { shellSpec } from "../support/shell-spec.ts";

export interface RoundResult {
  readonly round: number;
  readonly phase: "begun" | "done";
  /** Which files were garbled, and how. */
  readonly what: string;
  readonly garblings: number;
  readonly openMs: number;
  readonly problems: readonly string[];
}

const shimPath = join(import.meta.dirname, "../../dist/pm-shim");
const context = { principal: "local", requestId: "", precondition: null };
const stopOptions = { signal: "", graceMs: 5_000, force: true, wait: true };
const silent = { debug() {}, info() {}, warn() {}, error() {} };

interface Known {
  readonly id: string;
  readonly living: boolean;
  readonly pid: number;
  readonly code: number;
  readonly text: string;
}

type FileKind = "ring" | "record" | "spec" | "journal";

interface Garbling {
  readonly path: string;
  readonly kind: FileKind;
  /** "": the journal. */
  readonly id: string;
  readonly how: string;
  /** Null: it was deleted. */
  readonly bytes: Buffer | null;
}

function open(runtimeDir: string): Promise<ProcessEngine> {
  return openEngine({ runtimeDir, shimPath, cgroupRoot: null, logger: silent });
}

async function textOf(engine: ProcessEngine, id: string): Promise<string> {
  const start = { position: { kind: "offset", offset: 0 }, since: null } as const;
  const read = await engine.readOutput({ id }, { run: null, start, until: null, streams: [], maxBytes: 1024 * 1024 });
  return Buffer.concat(read.chunks.map(({ data }) => data)).toString("latin1");
}

async function populate(runtimeDir: string, random: Random): Promise<Known[]> {
  const engine = await open(runtimeDir);
  const known: Known[] = [];
  for (let number = 0; number < 5; number++) {
    const living = number < 2;
    const code = random.below(40);
    const written = `seq ${random.between(1, 3000)}; echo end`;
    const spec = shellSpec(living ? `${written}; exec sleep 100000` : `${written}; exit ${code}`);
    const { process } = await engine.start({ id: "", name: `p${number}`, labels: {}, spec }, context);
    if (random.chance(0.3)) await engine.restart({ id: process.id }, stopOptions, null, context);
    const never = new AbortController().signal;
    if (!living) await engine.wait({ id: process.id }, "outputComplete", null, never);
    let text = await textOf(engine, process.id);
    while (!text.endsWith("end\n")) {
      await sleep(1);
      text = await textOf(engine, process.id);
    }
    known.push({ id: process.id, living, pid: engine.get({ id: process.id }).run.pid ?? 0, code, text });
  }
  await engine.close();
  return known;
}

function filesOf(runtimeDir: string): { path: string; kind: FileKind; id: string }[] {
  const found: { path: string; kind: FileKind; id: string }[] = [];
  for (const entry of readdirSync(runtimeDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const [top, id = ""] = relative(runtimeDir, path).split("/");
    const { name } = entry;
    if (top === "journal") found.push({ path, kind: "journal", id: "" });
    else if (top !== "p") continue;
    else if (name === "process.json") found.push({ path, kind: "record", id });
    else if (name === "ring" || name === "spec") found.push({ path, kind: name, id });
  }
  return found;
}

/** Fields where a random byte says most: the headers. */
const headerBytes = { ring: 384, record: 64, spec: 80, journal: 64 };

function garble(file: { path: string; kind: FileKind; id: string }, random: Random): Garbling {
  const { path, kind } = file;
  const { size } = statSync(path);
  const place = () => random.below(random.chance(0.5) ? Math.min(size, headerBytes[kind]) : size);
  const how = random.pick([
    "flip",
    "flip",
    "zero",
    "random",
    "truncate",
    "append",
    "newer",
    "delete",
    "empty",
  ] as const);
  const put = (bytes: Uint8Array, at: number) => {
    const fd = openSync(path, "r+");
    writeSync(fd, bytes, 0, bytes.length, at);
    closeSync(fd);
  };
  switch (how) {
    case "flip":
      for (let count = random.between(1, 8); count > 0; count--) {
        const at = place();
        const old = readFileSync(path)[at] ?? 0;
        put(Uint8Array.of(old ^ (1 << random.below(8))), at);
      }
      break;
    case "zero":
      put(Buffer.alloc(random.between(1, 64)), place());
      break;
    case "random":
      put(random.bytes(random.between(1, 64)), place());
      break;
    case "append":
      put(random.bytes(random.between(1, 5000)), size);
      break;
    case "truncate":
    case "empty": {
      const fd = openSync(path, "r+");
      ftruncateSync(fd, how === "empty" ? 0 : random.below(size));
      closeSync(fd);
      break;
    }
    case "newer":
      if (kind === "record") writeFileSync(path, readFileSync(path, "utf8").replace(/"version":\d+/, '"version":99'));
      else put(Uint8Array.of(99, 0, 0, 0), 8);
      break;
    case "delete":
      rmSync(path);
      break;
  }
  return { ...file, how, bytes: how === "delete" ? null : readFileSync(path) };
}

/** Every regular file below a directory that holds these bytes. */
function holds(directory: string, bytes: Buffer): boolean {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).some((entry) => {
    const path = join(entry.parentPath, entry.name);
    return entry.isFile() && statSync(path).size === bytes.length && readFileSync(path).equals(bytes);
  });
}

async function check(
  runtimeDir: string,
  engine: ProcessEngine,
  known: readonly Known[],
  garblings: readonly Garbling[],
): Promise<string[]> {
  const problems: string[] = [];
  const { setAside } = engine.info();
  const isNamed = (id: string) => setAside.some(({ processId, path }) => processId === id || path.includes(id));
  for (const { id, living, pid, code, text } of known) {
    const own = garblings.filter((garbling) => garbling.id === id && garbling.kind !== "spec");
    let info: ProcessInfo | null = null;
    try {
      info = engine.get({ id });
    } catch (error) {
      if (living) problems.push(`living process ${id} is not listed: ${String(error)}`);
      else if (own.length === 0) problems.push(`ended process ${id}, whose files are whole, is not listed`);
      else if (!isNamed(id) && own.some(({ how }) => how !== "delete"))
        problems.push(`${id} is neither listed nor named`);
      continue;
    }
    if (living && !info.run.treeAlive) problems.push(`living process ${id} is ${info.state}`);
    if (living && !isAlive(pid)) problems.push(`living process ${id} was killed`);
    const found = await textOf(engine, id).catch((error: unknown) =>
      error instanceof EngineError && error.reason === "OUTPUT_UNREADABLE" ? null : `${String(error)}`,
    );
    if (found === null && !isNamed(id)) problems.push(`output of ${id} is unreadable, which nothing says`);
    if (own.length > 0) continue;
    if (found !== text) problems.push(`output of untouched ${id} is ${found?.length} bytes, not ${text.length}`);
    const state = [info.state, info.run.exit?.code ?? null];
    const expected = living ? ["running", null] : ["exited", code];
    if (JSON.stringify(state) !== JSON.stringify(expected))
      problems.push(`untouched ${id} is ${state}, not ${expected}`);
  }
  for (const { path, how, bytes } of garblings) {
    if (bytes === null) continue;
    const entry = setAside.find((aside) => aside.path === path || path.startsWith(`${aside.path}/`));
    const moved = setAside.some((aside) => aside.path.includes("quarantine"));
    if ((entry !== undefined || moved) && how !== "newer" && !holds(runtimeDir, bytes) && !existsSync(path)) {
      problems.push(`${path} was set aside, and its bytes are gone`);
    }
    if (how === "newer" && entry?.newer === true && !readFileSync(path).equals(bytes)) {
      problems.push(`${path}, of a newer version, was changed`);
    }
  }
  return problems;
}

/** Stops everything; answers what will not go. */
async function end(runtimeDir: string, engine: ProcessEngine, known: readonly Known[]): Promise<string[]> {
  const problems: string[] = [];
  await engine.stopAll(0, context);
  for (const { id, living, pid } of known) {
    if (living && isAlive(pid)) problems.push(`${id} (pid ${pid}) lives after everything was stopped`);
  }
  await engine.close();
  const deadline = Date.now() + 10_000;
  let left = processesOf(runtimeDir);
  while (left.length > 0 && Date.now() < deadline) {
    await sleep(10);
    left = processesOf(runtimeDir);
  }
  for (const { pid, command } of left) {
    problems.push(`left over: ${pid} ${command}`);
    kill(pid, "SIGKILL");
  }
  return problems;
}

async function playRound(within: string, seed: number, round: number): Promise<number> {
  const random = Random.of(seed, `garbled ${round}`);
  const base = mkdtempSync(join(within, "round-"));
  const runtimeDir = join(base, "run");
  prepareRuntimeDirectory(runtimeDir);
  try {
    const known = await populate(runtimeDir, random);
    const garblings: Garbling[] = [];
    for (let count = random.between(1, 3); count > 0; count--) {
      const kind = random.pick(["ring", "record", "record", "ring", "spec", "journal"] as const);
      const files = filesOf(runtimeDir).filter(
        (file) => file.kind === kind && !garblings.some(({ path }) => path === file.path),
      );
      if (files.length > 0) garblings.push(garble(random.pick(files), random));
    }
    const what = garblings
      .map(({ path, how, id }) => {
        const owner = known.find((process) => process.id === id);
        const whose = owner === undefined ? "" : owner.living ? " of a living process" : " of an ended process";
        return `${how} ${relative(runtimeDir, path)}${whose}`;
      })
      .join(", ");
    const result = { round, what, garblings: garblings.length };
    say({ ...result, phase: "begun", openMs: 0, problems: [] });
    const begun = performance.now();
    const engine = await open(runtimeDir);
    const openMs = Math.round(performance.now() - begun);
    const problems = await check(runtimeDir, engine, known, garblings);
    const named = engine.info().setAsideCount;
    await engine.close();
    // The one after it sees it no other way.
    const next = await open(runtimeDir);
    problems.push(
      ...(await check(runtimeDir, next, known, garblings)).map((problem) => `by the next daemon, ${problem}`),
    );
    if (next.info().setAsideCount < named)
      problems.push(`the next daemon names ${next.info().setAsideCount}, not ${named}`);
    problems.push(...(await end(runtimeDir, next, known)));
    say({ ...result, phase: "done", openMs, problems });
    return garblings.length;
  } finally {
    for (const { pid } of processesOf(base)) kill(pid, "SIGKILL");
    rmSync(base, { recursive: true, force: true });
  }
}

function say(result: RoundResult): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

const [, , within = "", seed = "1", first = "0", wanted = "1"] = process.argv;
for (let round = Number(first), done = 0; done < Number(wanted); round++) {
  done += await playRound(within, Number(seed), round);
}
