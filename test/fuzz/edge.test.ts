/** The same cases against the edge alone: whatever it lets through is refused by an engine that has no process. */
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { DaemonService } from "../../gen/ts/pm/v1/daemon_service_pb.ts";
import type { Engine } from "../../src/server/engine/api/index.ts";
import { EngineError } from "../../src/server/engine/errors.ts";
import { daemonRoutes } from "../../src/server/rpc/routes.ts";
import { clientOf, serve } from "../listen/serve.ts";
import { dependenciesOn } from "../rpc/fake-engine.ts";
import { casesOf } from "./cases.ts";
import { sendAll } from "./sender.ts";

const cases = 3000;
const seed = 20_260_102;

function refuse(): never {
  throw new EngineError("PROCESS_NOT_FOUND", "there is no process");
}

test(`${cases} cases of seed ${seed} end in responses that the contract knows`, { timeout: 120_000 }, async () => {
  const engine = new Proxy({} as Engine, {
    get: (_target, name) => (name === "select" ? () => [] : refuse),
  });
  const { path, logged } = await serve((log) => daemonRoutes(dependenciesOn(engine, log)));
  const target = {
    name: "unix",
    open: () => connect(path),
    session: () => connectHttp2("http://localhost", { createConnection: () => connect(path) }),
  };
  // On one connection: client and listener share an event loop here, and the kernel's queue may be full.
  const client = clientOf(DaemonService, path);
  const serving = async () => {
    await expect(client.getInfo({}, { timeoutMs: 20_000 })).rejects.toMatchObject({ code: 5 });
  };
  await serving();
  expect(await sendAll([target], casesOf(seed, cases), { concurrency: 16, everyThousand: serving })).toBe(cases);
  await serving();
  const unforeseen = /"level":60|a call failed unexpectedly|could not respond|Warning/;
  expect(
    logged()
      .split("\n")
      .filter((line) => unforeseen.test(line)),
  ).toEqual([]);
});
