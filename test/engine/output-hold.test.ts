import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { OutputFrame } from "../../src/server/engine/api/output.ts";
import { type ShimRun, Shims } from "./output-shims.ts";

const size = 8_000_000;

/** A process that writes random bytes once a stream holds it: all of them, or none is lost. */
async function writer(shims: Shims): Promise<{ process: ShimRun; sum: string; go: () => void }> {
  const file = join(shims.bench.dir, "random");
  const gate = join(shims.bench.dir, "gate");
  writeFileSync(file, randomBytes(size));
  const sum = createHash("sha256").update(readFileSync(file)).digest("hex");
  const process = await shims.sh(`while [ ! -e ${gate} ]; do sleep 0.01; done; cat ${file}; echo end >&2`, {
    outputLimit: 65_536,
  });
  return { process, sum, go: () => writeFileSync(gate, "") };
}

class Holder {
  readonly #hash = createHash("sha256");
  readonly #shims: Shims;
  readonly #process: ShimRun;
  token = "";
  position = 0;
  ended = false;

  constructor(shims: Shims, process: ShimRun) {
    this.#shims = shims;
    this.#process = process;
  }

  get sum(): string {
    return this.#hash.copy().digest("hex");
  }

  /** Takes frames of one stream, acknowledging each chunk, until there are enough. */
  async take(enough: (frame: OutputFrame) => boolean): Promise<void> {
    const frames = this.#shims.outputs.stream(
      this.#process,
      {
        run: null,
        start: { position: { kind: "offset", offset: this.position }, since: null },
        streams: [],
        until: null,
        follow: true,
        heartbeatMs: 15_000,
        hold: { token: this.token },
      },
      AbortSignal.timeout(50_000),
    );
    for await (const frame of frames) {
      if (frame.kind === "gap") throw new Error(`gap at ${frame.gap.from}`);
      if (frame.kind === "opened") this.token = frame.holdToken;
      if (frame.kind === "end") this.ended = true;
      if (frame.kind === "chunk") {
        expect(frame.chunk.offset).toBe(this.position);
        if (frame.chunk.stream === "stdout") this.#hash.update(frame.chunk.data);
        this.position += frame.chunk.data.length;
        await this.acknowledge(this.position);
      }
      if (enough(frame)) break;
    }
  }

  acknowledge(nextOffset: number): Promise<void> {
    const { id } = this.#process;
    const acknowledgement = { processId: id, run: 1, token: this.token, nextOffset, release: false };
    return this.#shims.outputs.acknowledge(this.#process, acknowledgement);
  }
}

test("a holder gets every byte, many times the size of the ring", async () => {
  const shims = await Shims.open();
  const { process, sum, go } = await writer(shims);
  const holder = new Holder(shims, process);
  await holder.take((frame) => {
    if (frame.kind === "opened") go();
    return false;
  });
  expect(holder).toMatchObject({ position: size + 4, ended: true, sum });
});

test("a hold survives its streams and the daemon: the one that resumes it gets the rest", async () => {
  const shims = await Shims.open();
  const { process, sum, go } = await writer(shims);
  const holder = new Holder(shims, process);
  await holder.take((frame) => frame.kind === "opened");
  go();
  for (let cut = 1; !holder.ended; cut++) {
    // Meanwhile the process waits on a full ring.
    await process.run.header("the ring to be full, or the end", (h) => h.holding || h.done);
    if (cut % 2 === 0) shims.nextDaemon();
    const from = holder.position;
    await holder.take(() => holder.position > from + 500_000);
  }
  expect(holder).toMatchObject({ position: size + 4, sum });
});

test("a holder that does not come back in time holds nobody up", async () => {
  const shims = await Shims.open();
  const { process, go } = await writer(shims);
  process.longestHoldMs = 200;
  const holder = new Holder(shims, process);
  await holder.take((frame) => frame.kind === "opened");
  go();
  const { written } = await process.run.done();
  expect(written).toBe(size + 4);
  expect(process.run.ring().firstOffset()).toBeGreaterThan(0);
  // The run is over: whoever has the token learns from a gap what was dropped.
  await expect(holder.take(() => false)).rejects.toThrow("gap at 0");
});

test("while somebody holds, nobody else does, and what is taken moves the shim's position", async () => {
  const shims = await Shims.open();
  const { process, go } = await writer(shims);
  const holder = new Holder(shims, process);
  await holder.take((frame) => frame.kind === "opened");
  go();
  await process.run.header("the ring to be full", (h) => h.holding);
  await expect(new Holder(shims, process).take(() => false)).rejects.toMatchObject({ reason: "OUTPUT_HELD" });
  await holder.acknowledge(5000);
  await process.run.header("the position", (h) => h.holdOffset === 5000);
  await expect(holder.acknowledge(size)).rejects.toMatchObject({ reason: "OFFSET_OUT_OF_RANGE" });
});
