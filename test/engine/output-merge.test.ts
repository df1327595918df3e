import { expect, test } from "vitest";
import { everything } from "../../src/server/engine/api/list.ts";
import type { OutputsFrame } from "../../src/server/engine/api/output.ts";

import { Shims } from "./output-shims.ts";

test("lines of real processes come in order of time, beside one that floods", async () => {
  const shims = await Shims.open();
  const rounds = 25;
  for (let index = 0; index < 4; index++) {
    await shims.sh(`for i in $(seq ${rounds}); do echo ${index}-$i; sleep 0.01; done`);
  }
  await shims.sh("timeout 5 cat /dev/zero | head -c 300000000");
  const flood = shims.processes.at(-1)?.id;
  const names = new Map<number, string>();
  const bytes = new Map<string, number>();
  const lines = new Map<string, string>();
  let latest = 0;
  let gaps = 0;
  const frames: AsyncIterable<OutputsFrame> = shims.outputs.streamMany(
    {
      filter: everything,
      start: { position: { kind: "offset", offset: 0 }, since: null },
      cursors: [],
      streams: [],
      follow: true,
      untilIdle: true,
      until: null,
      mergeWindowMs: 2000,
      heartbeatMs: 15_000,
      currentRunOnly: false,
    },
    AbortSignal.timeout(50_000),
  );
  for await (const frame of frames) {
    if (frame.kind === "memberOpened") names.set(frame.member, frame.processId);
    if (frame.kind === "gap") {
      expect(names.get(frame.member)).toBe(flood);
      gaps += frame.gap.to - frame.gap.from;
    }
    if (frame.kind !== "chunk") continue;
    const name = names.get(frame.member) ?? "";
    bytes.set(name, (bytes.get(name) ?? 0) + frame.chunk.data.length);
    if (name === flood) continue;
    lines.set(name, (lines.get(name) ?? "") + Buffer.from(frame.chunk.data).toString());
    expect(frame.chunk.timeMicros).toBeGreaterThanOrEqual(latest);
    latest = frame.chunk.timeMicros;
  }
  const expected = shims.processes.slice(0, 4).map(({ id }, index) => {
    const numbers = Array.from({ length: rounds }, (_, round) => `${index}-${round + 1}\n`);
    return [id, numbers.join("")] as const;
  });
  expect(new Map([...lines].sort())).toEqual(new Map([...expected].sort()));
  expect((bytes.get(flood ?? "") ?? 0) + gaps).toBe(300_000_000);
});
