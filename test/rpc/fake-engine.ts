/** An engine that answers what a test says and remembers what it was asked. */
import { type Client, createClient, createRouterTransport } from "@connectrpc/connect";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import type { Engine } from "../../src/server/engine/api/engine.ts";
import type { ProcessInfo } from "../../src/server/engine/api/process.ts";
import { errorInterceptor } from "../../src/server/rpc/error-interceptor.ts";
import { processService } from "../../src/server/rpc/process-service.ts";
import { recordingLog } from "../listen/serve.ts";

export const someProcess: ProcessInfo = {
  id: "0e3d4c5b-1111-4222-8333-944455566677",
  spec: {
    executable: "/bin/true",
    args: ["-x"],
    env: { SECRET: "hush" },
    envMode: "extend",
    cwd: "/",
    name: "web",
    labels: { tier: "front" },
    outputLimitBytes: 4096,
    stdin: "null",
    terminal: null,
    limits: { rlimits: [], memoryBytes: null, cpuMillis: null, processes: null },
    stop: { signal: "SIGTERM", graceMs: 1500 },
  },
  state: "exited",
  run: 1,
  pid: 0,
  createTime: 1_700_000_000_123_456_789n,
  startTime: 1_700_000_001_000_000_000n,
  exitTime: 1_700_000_002_000_000_000n,
  exit: {
    code: null,
    signal: 9,
    signalName: "SIGKILL",
    coreDumped: false,
    oomKilled: true,
    usage: { userMicros: 1_500_000, systemMicros: 2, maxResidentBytes: 4096 },
  },
  failure: null,
  output: { firstOffset: 0, nextOffset: 5, complete: true, stdoutBytes: 3, stderrBytes: 2, limitBytes: 4096 },
  treeAlive: false,
  resourceVersion: "v1",
};

export function clientOn(engine: Partial<Engine>): { client: Client<typeof ProcessService>; logged: () => string } {
  const { log, logged } = recordingLog();
  const complete = new Proxy(engine as Engine, {
    get: (target, name) =>
      Reflect.get(target, name) ??
      (() => {
        throw new Error(`the test's engine has no ${String(name)}`);
      }),
  });
  const transport = createRouterTransport((router) => router.service(ProcessService, processService(complete)), {
    router: { interceptors: [errorInterceptor(log)] },
  });
  return { client: createClient(ProcessService, transport), logged };
}
