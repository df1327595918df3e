import { Code, createClient, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../../../gen/ts/grpc/health/v1/health_pb.ts";
import { healthService } from "../../../../src/server/rpc/services/health.ts";

function setUp() {
  const stopping = new AbortController();
  const transport = createRouterTransport((router) =>
    router.service(Health, healthService(["pm.v1.ProcessService"], stopping.signal)),
  );
  return { stopping, client: createClient(Health, transport) };
}

describe("health", () => {
  it("says SERVING until the daemon stops", async () => {
    const { client, stopping } = setUp();
    expect((await client.check({})).status).toBe(Status.SERVING);
    expect((await client.check({ service: "pm.v1.ProcessService" })).status).toBe(Status.SERVING);
    stopping.abort();
    expect((await client.check({})).status).toBe(Status.NOT_SERVING);
  });

  it("does not know other services", async () => {
    const { client } = setUp();
    await expect(client.check({ service: "pm.v1.Nothing" })).rejects.toMatchObject({ code: Code.NotFound });
  });

  it("lists every service and the daemon as a whole", async () => {
    const { client } = setUp();
    const { statuses } = await client.list({});
    expect(Object.keys(statuses).sort()).toEqual(["", "pm.v1.ProcessService"]);
    expect(statuses[""]?.status).toBe(Status.SERVING);
  });

  it("tells a watcher at once, and again when the daemon stops", async () => {
    const { client, stopping } = setUp();
    const abort = new AbortController();
    const stream = client.watch({}, { signal: abort.signal })[Symbol.asyncIterator]();
    expect((await stream.next()).value?.status).toBe(Status.SERVING);
    const next = stream.next();
    stopping.abort();
    expect((await next).value?.status).toBe(Status.NOT_SERVING);
    abort.abort();
    await expect(stream.next()).rejects.toMatchObject({ code: Code.Canceled });
  });

  it("keeps the watch of an unknown service open", async () => {
    const { client } = setUp();
    const abort = new AbortController();
    const stream = client.watch({ service: "x" }, { signal: abort.signal })[Symbol.asyncIterator]();
    expect((await stream.next()).value?.status).toBe(Status.SERVICE_UNKNOWN);
    const next = stream.next();
    abort.abort();
    await expect(next).rejects.toMatchObject({ code: Code.Canceled });
  });
});
