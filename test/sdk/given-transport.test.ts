/** Calls over a transport of the user's own, without a daemon and without a connection. */
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { createRouterTransport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { OutputEndReason, OutputStream } from "../../gen/ts/pm/v1/output_pb.ts";
import { ProcessService, WatchEventType } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { ProcessManager } from "../../src/sdk/index.ts";
import { reasonError } from "../../src/testing/index.ts";
import { failure, runningProcess } from "./support/scripted-daemon.ts";

const id = "12345678-0d52-4a53-9a3f-3d5f0c6b7a10";

function router(): ReturnType<typeof createRouterTransport> {
  return createRouterTransport(({ service }) => {
    service(ProcessService, {
      getProcess: ({ process }) => {
        if (process?.ref.value === id) {
          return { process: runningProcess(id) };
        }
        throw reasonError("PROCESS_NOT_FOUND", "there is none", { name: "web" });
      },
      waitProcess: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      async *streamOutput({ follow }) {
        yield { frame: { case: "opened", value: { processId: id, run: 1 } } };
        const data = Buffer.from(follow ? "followed\n" : "read\n");
        yield { frame: { case: "chunk", value: { stream: OutputStream.STDOUT, time: timestampNow(), data } } };
        const finalOffset = BigInt(data.length);
        yield { frame: { case: "end", value: { reason: OutputEndReason.COMPLETE, finalOffset } } };
      },
      async *watchProcesses() {
        yield { type: WatchEventType.BOOKMARK, resourceVersion: "7" };
      },
    });
  });
}

test("unary calls, output, other streams and reasons go over a given transport", async () => {
  await using pm = await ProcessManager.connect({ transport: router() });
  expect(pm.address).toBe("the given transport");
  expect((await pm.processes.get(id)).id).toBe(id);
  expect(await failure(pm.processes.get("web"))).toMatchObject({
    reason: "PROCESS_NOT_FOUND",
    metadata: { name: "web" },
  });
  // Without an implementation.
  expect(await failure(pm.daemon.info())).toMatchObject({ code: "unimplemented" });
  const read = await Array.fromAsync(pm.processes.stream(id, { follow: true }).bytes());
  expect(Buffer.concat(read).toString()).toBe("followed\n");
  for await (const event of pm.processes.watch()) {
    if (event.type === "reset") continue;
    expect(event).toMatchObject({ type: "bookmark", resourceVersion: "7" });
    break;
  }
});

test("close() ends its calls, and a place beside it is refused", async () => {
  const transport = router();
  const pm = await ProcessManager.connect({ transport });
  const waiting = failure(pm.processes.wait(id));
  await pm.processes.get(id);
  pm.close();
  expect(await waiting).toMatchObject({ reason: "ABORTED" });
  const both = failure(ProcessManager.connect({ transport, socket: "/s" }));
  expect(await both).toMatchObject({ reason: "INVALID_ARGUMENT" });
});
