import { readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import { byId } from "../support/process-ref.ts";

const mebibyte = 1024 * 1024;

function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1]) * 1024;
}

/** A follower that reads nothing of what it asked for. */
function stall(daemon: TestDaemon, id: string): void {
  const session = connectHttp2("http://localhost", { createConnection: () => connect(daemon.socketPath) });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": "/pm.v1.ProcessService/StreamOutput",
    "content-type": "application/connect+json",
  });
  stream.on("error", () => {});
  stream.pause();
  const body = Buffer.from(JSON.stringify({ process: { id }, follow: true }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  stream.end(Buffer.concat([head, body]));
}

async function produced(daemon: TestDaemon, id: string): Promise<bigint> {
  return (await daemon.processes.getProcess({ process: byId(id) })).process?.run?.output?.nextOffset ?? 0n;
}

test("readers that stop reading hold up neither the process, nor the daemon's memory, nor other readers", async () => {
  const daemon = await startDaemon();
  const { process } = await daemon.processes.startProcess({ spec: { executable: "yes" } });
  const id = process?.id ?? "";
  for (let reader = 0; reader < 8; reader += 1) {
    stall(daemon, id);
  }
  const begin = await produced(daemon, id);
  await expect.poll(() => produced(daemon, id), { timeout: 30_000 }).toBeGreaterThan(begin + BigInt(64 * mebibyte));
  const before = residentBytes(daemon.pid);

  // Another follower gets on, and what it missed is reported.
  let next = 0n;
  let received = 0;
  for await (const { frame } of daemon.processes.streamOutput({ process: byId(id), follow: true })) {
    if (frame.case === "opened") {
      next = frame.value.startOffset;
    } else if (frame.case === "gap") {
      expect(frame.value.fromOffset).toBe(next);
      next = frame.value.toOffset;
    } else if (frame.case === "chunk") {
      expect(frame.value.offset).toBe(next);
      next += BigInt(frame.value.data.length);
      received += frame.value.data.length;
    }
    if (received > 32 * mebibyte) {
      break;
    }
  }
  const after = await produced(daemon, id);
  await expect.poll(() => produced(daemon, id), { timeout: 30_000 }).toBeGreaterThan(after + BigInt(256 * mebibyte));
  // Eight windows and the collector's slack; far below what was produced.
  expect(residentBytes(daemon.pid) - before).toBeLessThan(96 * mebibyte);
});
