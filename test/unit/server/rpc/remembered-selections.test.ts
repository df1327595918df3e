import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { StopProcessesRequestSchema } from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import { RememberedSelections } from "../../../../src/server/rpc/services/processes/remembered-selections.ts";

const request = create(StopProcessesRequestSchema, { all: true });
const context = (requestId: string, principal = "local") => ({ principal, requestId, precondition: null });

function setUp() {
  const clock = { now: 0 };
  const remembered = new RememberedSelections(() => clock.now);
  let selected = 0;
  const select = (requestId: string, principal?: string) =>
    remembered.select(request, context(requestId, principal), () => [String(++selected)])[0];
  return { clock, select };
}

test("the same request selects the same, for an hour", () => {
  const { clock, select } = setUp();
  expect(select("a")).toBe("1");
  clock.now = 3_599_999;
  expect(select("a")).toBe("1");
  clock.now = 3_600_000;
  expect(select("a")).toBe("2");
});

test("without a request id nothing is remembered", () => {
  const { select } = setUp();
  expect([select(""), select("")]).toEqual(["1", "2"]);
});

test("one user's ids are nothing to another", () => {
  const { select } = setUp();
  expect([select("a", "ann"), select("a", "bob"), select("a", "ann")]).toEqual(["1", "2", "1"]);
});

test("the last 10,000 are remembered, and no more", () => {
  const { select } = setUp();
  for (let index = 0; index < 10_000; index++) {
    select(`r${index}`);
  }
  expect(select("r0")).toBe("1");
  expect(select("one more")).toBe("10001");
  expect(select("r1")).toBe("2");
  expect(select("r0")).toBe("10002");
});
