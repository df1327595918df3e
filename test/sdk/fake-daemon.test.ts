/** The fake daemon, as users' tests meet it: through the SDK. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { ProcessManager } from "../../src/sdk/index.ts";
import { FakeDaemon } from "../../src/testing/index.ts";

async function connected(programs: Parameters<typeof FakeDaemon.start>[0] = {}) {
  const daemon = await FakeDaemon.start(programs);
  const pm = await ProcessManager.connect({ socket: daemon.socket });
  return {
    daemon,
    pm,
    async [Symbol.asyncDispose]() {
      pm.close();
      await daemon.close();
    },
  };
}

test("a program's output is followed to its exit code", async () => {
  await using place = await connected({
    programs: {
      make: (process) => {
        process.write("built\n");
        process.write("careful\n", "stderr");
        setImmediate(() => process.exit(3));
      },
    },
  });
  const process = await place.pm.processes.start({ executable: "make", args: ["-j2"] });
  const text: string[] = [];
  for await (const frame of process.stream({ follow: true })) {
    if (frame.type === "chunk") text.push(`${frame.stream}: ${Buffer.from(frame.data)}`);
  }
  expect(text).toEqual(["stdout: built\n", "stderr: careful\n"]);
  expect((await process.wait()).run?.exit?.code).toBe(3);
  expect(place.daemon.processes[0]?.spec.args).toEqual(["-j2"]);
});

test("a process waits for input and ends by a signal, and removal wants an end", async () => {
  await using place = await connected({
    programs: {
      cat: (process) => {
        process.onInput = (data) => process.write(data);
      },
    },
  });
  const process = await place.pm.processes.start({ executable: "cat", name: "kept", stdin: "pipe" });
  await place.pm.processes.write("kept", "hello");
  expect(Buffer.concat(place.daemon.process("kept")?.input ?? []).toString()).toBe("hello");
  await expect(place.pm.processes.remove("kept")).rejects.toMatchObject({ reason: "STILL_RUNNING" });
  const { receipt } = await process.stop();
  expect(receipt.outcome).toBe("stopped");
  expect((await process.wait()).run?.exit).toMatchObject({ signalName: "SIGTERM" });
  await place.pm.processes.remove("kept");
  await expect(place.pm.processes.get("kept")).rejects.toMatchObject({ reason: "PROCESS_NOT_FOUND" });
});

test("what it does not know fails as a daemon's start does", async () => {
  await using place = await connected();
  const start = place.pm.processes.start({ executable: "/no/such" });
  await expect(start).rejects.toMatchObject({ reason: "START_FAILED", metadata: { errno_name: "ENOENT" } });
});

test("its socket goes with it", async () => {
  const daemon = await FakeDaemon.start();
  expect(existsSync(daemon.socket)).toBe(true);
  await daemon.close();
  expect(existsSync(daemon.socket)).toBe(false);
});
