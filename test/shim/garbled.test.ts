import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ringLayout } from "../../src/server/engine/shim/layout.ts";
import { Ring } from "../../src/server/engine/shim/ring.ts";
import { RingUnreadableError, RingVersionError } from "../../src/server/engine/shim/ring-errors.ts";
import { Bench, type Run } from "./run.ts";

const dir = mkdtempSync(join(tmpdir(), "pm-garbled-"));
let bench: Bench;
/** Of a run that has ended; its index has wrapped, its data not. */
let intact: string;
let ended: Run;
beforeAll(async () => {
  bench = await Bench.open();
  const program = `const { writeSync } = require("fs"); const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < 700; i++) { writeSync(1 + (i % 2), i + "\\n"); Atomics.wait(pause, 0, 0, 0.2); }`;
  ended = await bench.start([process.execPath, "-e", program], { outputLimit: 4096 });
  await ended.done();
  await bench.gone(ended);
  intact = ended.paths.ring;
});
afterAll(async () => {
  await bench.close();
  rmSync(dir, { recursive: true });
});

function withCopy<T>(change: (bytes: Buffer) => void, use: (ring: Ring) => T): T {
  const path = join(dir, "ring");
  const bytes = readFileSync(intact);
  change(bytes);
  writeFileSync(path, bytes);
  const ring = Ring.open(path);
  try {
    return use(ring);
  } finally {
    ring.close();
  }
}

/** All that is ever asked of a ring. */
async function readAll(ring: Ring): Promise<void> {
  const header = ring.header();
  ring.firstOffset(header);
  for (let at = 0; ; ) {
    const read = ring.read(at, 1 << 16);
    if (read.nextOffset <= at) {
      break;
    }
    at = read.nextOffset;
  }
  ring.offsetSince(header.started);
  await ring.tailLines(50, []);
}

const u64 = (name: keyof typeof ringLayout, value: bigint) => (b: Buffer) =>
  b.writeBigUInt64LE(value, ringLayout[name]);
const u32 = (name: keyof typeof ringLayout, value: number) => (b: Buffer) => b.writeUInt32LE(value, ringLayout[name]);
const huge = 2n ** 60n;

const garbled: [string, string, (bytes: Buffer) => void][] = [
  ["F1: an index of no entries", "index_size", u64("index_size", 0n)],
  ["an index larger than its place", "index_size", u64("index_size", 257n)],
  ["a magic that is none", "magic", u64("magic", 0x1234n)],
  ["an unknown state", "state", u32("state", 5)],
  ["no state", "state", u32("state", 0)],
  ["unknown flags", "flags", u32("flags", 0x8000_0000)],
  ["run 0", "run", u32("run", 0)],
  ["no shim", "shim_pid", u32("shim_pid", 0)],
  ["a pid beyond Linux's", "child_pid", u32("child_pid", 0xffff_ffff)],
  ["an unknown step", "fail_step", u32("fail_step", 13)],
  ["unknown notify flags", "notify_flags", u32("notify_flags", 4)],
  ["a status without end", "status", (b) => b.fill(65, ringLayout.status, ringLayout.status + 128)],
  ["data of no size", "data_size", u64("data_size", 0n)],
  ["data of half a page", "data_size", u64("data_size", 2048n)],
  ["data beyond the file", "file size", u64("data_size", huge >> 20n)],
  ["data of impossible size", "data_size", u64("data_size", huge)],
  ["data at no page", "data_offset", u64("data_offset", 8193n)],
  ["an index within the header", "index_offset", u64("index_offset", 0n)],
  ["written beyond reserve", "written", u64("written", 1n << 40n)],
  ["reserve far beyond written", "reserve", u64("reserve", 1n << 40n)],
  ["reserve beyond 2^53", "reserve", u64("reserve", huge)],
  ["more entries than bytes", "entry_count", u64("entry_count", 1n << 30n)],
  ["entries beyond 2^53", "entry_count", u64("entry_count", huge)],
  ["no entry for all the bytes", "entry_count", u64("entry_count", 0n)],
  ["streams that do not add up", "stdout_bytes", u64("stdout_bytes", 1n)],
  ["an impossible number of bytes", "stderr_bytes", u64("stderr_bytes", huge)],
  ["a hold beyond the end", "hold_offset", u64("hold_offset", 1n << 40n)],
  ["impossible usage", "user_usec", u64("user_usec", huge)],
];

test.each(garbled)("%s", (_, field, change) => {
  withCopy(change, (ring) => {
    expect(() => ring.header()).toThrow(RingUnreadableError);
    expect(() => ring.header()).toThrow(expect.objectContaining({ field }));
    expect(() => ring.read(0, 100)).toThrow(RingUnreadableError);
  });
});

test("the error names the field and both values", () => {
  withCopy(u64("index_size", 0n), (ring) => {
    expect(() => ring.header()).toThrow("the ring cannot be read: index_size is 0, expected 1 to 256");
  });
});

test.each([1, 3, 0xffff_ffff])("a ring of version %i is told apart, and who is in it", (version) => {
  const { shimPid, shimStart, childPid, childStart } = ended.ring().header();
  withCopy(u32("version", version), (ring) => {
    let error: unknown;
    try {
      ring.header();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(RingVersionError);
    expect(error).toMatchObject({ version, supported: 2, isNewer: version > 2 });
    expect(error).toMatchObject({ shimPid, shimStart, childPid, childStart });
  });
});

describe("index entries", () => {
  const entry = (number: number, offset: bigint, stream: bigint) => (b: Buffer) => {
    const at = 4096 + (number % 256) * 16;
    b.writeBigUInt64LE(offset, at);
    b.writeBigUInt64LE((1n << 50n) | stream, at + 8);
  };
  const place = expect.stringMatching(/^index entry \d+$/);

  test.each([
    ["an offset beyond the end", (last: number) => entry(last, 1n << 40n, 1n)],
    ["an offset beyond 2^53", (last: number) => entry(last, huge, 1n)],
    ["offsets that do not grow", (last: number) => entry(last, 0n, 1n)],
    ["a stream that does not exist", (last: number) => entry(last, 2500n, 0n)],
  ])("%s", (_, make) => {
    const { entryCount, indexSize, written } = ended.ring().header();
    expect(entryCount).toBeGreaterThan(indexSize);
    withCopy(make(entryCount - 2), (ring) => {
      expect(() => ring.read(written - 100, 100)).toThrow(expect.objectContaining({ field: place }));
    });
  });

  test("a garbled oldest entry", () => {
    const { entryCount, indexSize } = ended.ring().header();
    withCopy(entry(entryCount - indexSize, 1n << 40n, 1n), (ring) => {
      expect(() => ring.firstOffset()).toThrow(expect.objectContaining({ field: place }));
    });
  });
});

test("a truncated ring", () => {
  const path = join(dir, "truncated");
  for (const size of [12, 300, 4096, 8192]) {
    copyFileSync(intact, path);
    truncateSync(path, size);
    const ring = Ring.open(path);
    expect(() => ring.header()).toThrow(expect.objectContaining({ field: "file size" }));
    ring.close();
  }
  copyFileSync(intact, path);
  const ring = Ring.open(path);
  expect(ring.header().published).toBe(true);
  // Under the eyes of a reader.
  truncateSync(path, 8192);
  expect(() => ring.read(ring.firstOffset(), 100)).toThrow(expect.objectContaining({ field: "file size" }));
  ring.close();
});

test("an empty file is a ring that is not yet made", () => {
  const path = join(dir, "empty");
  writeFileSync(path, "");
  const ring = Ring.open(path);
  expect(ring.header().published).toBe(false);
  // As a reader that waits does it.
  ring.arm();
  expect(ring.header().published).toBe(false);
  ring.close();
});

test("3,000 random garblings end as an error or as a ring", async () => {
  // A generator of its own: what fails can be repeated.
  let seed = 20_261_126;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const path = join(dir, "random");
  const bytes = readFileSync(intact);
  writeFileSync(path, bytes);
  const fd = openSync(path, "r+");
  let errors = 0;
  for (let round = 0; round < 3000; round++) {
    const length = 1 << random(5);
    const at = random(4) === 0 ? 4096 + random(4096 - length) : random(ringLayout.size - length);
    const damage = Buffer.from(Array.from({ length }, () => [0, 0xff, random(256)][random(3)] ?? 0));
    writeSync(fd, damage, 0, length, at);
    const ring = Ring.open(path);
    try {
      await readAll(ring);
    } catch (error) {
      errors++;
      if (!(error instanceof RingUnreadableError) && !(error instanceof RingVersionError)) {
        throw new Error(`round ${round}: ${length} bytes at ${at}`, { cause: error });
      }
    } finally {
      ring.close();
    }
    writeSync(fd, bytes, at, length, at);
  }
  closeSync(fd);
  expect(errors).toBeGreaterThan(1000);
});

describe("a sequence number that stays odd", () => {
  test("of a shim that is gone: read as it is, and nobody waits", () => {
    const before = ended.ring().header();
    withCopy(u32("seq", 0xff), (ring) => {
      for (let i = 0; i < 1000; i++) {
        expect(ring.header()).toEqual(before);
      }
    });
  });

  test("of a shim that is stopped: read as it is", async () => {
    const run = await bench.sh("echo here; exec sleep 1000");
    await run.says(/here/);
    process.kill(run.shimPid, "SIGSTOP");
    const header = run.ring().header();
    const fd = openSync(run.paths.ring, "r+");
    const seq = readFileSync(run.paths.ring).readUInt32LE(ringLayout.seq);
    const odd = Buffer.alloc(4);
    odd.writeUInt32LE(seq + 1);
    writeSync(fd, odd, 0, 4, ringLayout.seq);
    for (let i = 0; i < 100; i++) {
      expect(run.ring().header()).toEqual(header);
    }
    odd.writeUInt32LE(seq);
    writeSync(fd, odd, 0, 4, ringLayout.seq);
    closeSync(fd);
    process.kill(run.shimPid, "SIGCONT");
  });

  test("of a shim that lives: waited for once, then read as it is by everybody", async () => {
    const run = await bench.sh("echo here; exec sleep 1000");
    await run.says(/here/);
    const header = run.ring().header();
    const fd = openSync(run.paths.ring, "r+");
    const odd = Buffer.alloc(4);
    odd.writeUInt32LE(0x7fff_ffff);
    writeSync(fd, odd, 0, 4, ringLayout.seq);
    closeSync(fd);
    for (let i = 0; i < 1000; i++) {
      const ring = Ring.open(run.paths.ring);
      expect(ring.header()).toEqual(header);
      ring.close();
    }
  });
});
