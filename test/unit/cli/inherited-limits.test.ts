import { expect, test } from "vitest";
import { limitsOf } from "../../../src/cli/start-options.ts";
import { defaultRlimits } from "../../../src/common/default-rlimits.ts";

const nothing = { ulimit: [], memory: undefined, cpus: undefined, pids: undefined };
const usual = Object.fromEntries(
  Object.entries(defaultRlimits).map(([name, { soft, hard }]) => [
    name,
    { soft: soft ?? undefined, hard: hard ?? undefined },
  ]),
);

test("limits that a process gets in any case are not sent, all others are", () => {
  expect(limitsOf(nothing, usual)).toEqual({});
  const inherited = { ...usual, core: { soft: 0n, hard: 0n }, fsize: { soft: 5n, hard: undefined } };
  const nproc = { soft: undefined, hard: undefined };
  expect(limitsOf(nothing, { ...inherited, nproc })).toEqual({
    rlimits: [{ resource: "fsize", soft: 5n }, { resource: "core", soft: 0n, hard: 0n }, { resource: "nproc" }],
  });
  // What is asked for is sent, usual or not.
  const ulimit = [{ resource: "rtprio", soft: 0n, hard: 0n }];
  expect(limitsOf({ ...nothing, ulimit }, usual)).toEqual({ rlimits: ulimit });
});
