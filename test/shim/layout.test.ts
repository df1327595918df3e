import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { errnoText } from "../../src/server/engine/shim/errno.ts";
import * as layout from "../../src/server/engine/shim/layout.ts";
import { shimPath } from "./run.ts";

function ask(command: string): unknown {
  return JSON.parse(execFileSync(shimPath, [command], { encoding: "utf8" }));
}

/** PM_EVENT_STATE → { PM_EVENT: { state: 1 } } and so on, as protocol.h names them. */
function constants(prefix: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      `${prefix}_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`,
      value,
    ]),
  );
}

test("offsets, sizes and constants are those of the C side", () => {
  const { size: specSize, file_size, ...spec } = layout.specLayout;
  const struct = ({ size, ...fields }: Readonly<Record<string, number>>) => ({ sizeof: size, ...fields });
  expect({
    pm_request: struct(layout.requestLayout),
    pm_reply: struct(layout.replyLayout),
    pm_spec: { sizeof: specSize, size: file_size, ...spec },
    pm_rlimit: struct(layout.rlimitLayout),
    pm_ring: struct(layout.ringLayout),
    pm_entry: struct(layout.entryLayout),
    pm_event: struct(layout.eventLayout),
    pm_control: struct(layout.controlLayout),
    constants: {
      PM_PROTOCOL_VERSION: layout.PROTOCOL_VERSION,
      PM_PAGE: layout.PAGE,
      PM_STATUS_SIZE: layout.STATUS_SIZE,
      PM_PROBES_MOST: layout.PROBES_MOST,
      PM_PROBE_OUTPUT_MOST: layout.PROBE_OUTPUT_MOST,
      PM_HOLD_MOST_MS: layout.HOLD_MOST_MS,
      ...constants("PM_PROBE", layout.ProbeFlag),
      ...constants("PM_NOTIFY", layout.NotifyFlag),
      ...constants("PM_REQUEST", layout.Request),
      ...constants("PM_REPLY", layout.Reply),
      ...constants("PM_SPEC", layout.SpecFlag),
      ...constants("PM_STATE", layout.RunState),
      ...constants("PM_RING", layout.RingFlag),
      ...constants("PM_STEP", layout.Step),
      ...constants("PM_STREAM", layout.Stream),
      ...constants("PM_EVENT", layout.EventKind),
      ...constants("PM_CONTROL", layout.Control),
      ...constants("PM_TARGET", layout.Target),
    },
  }).toEqual(ask("layout"));
});

test("error texts are the C library's", () => {
  const texts = ask("errno") as Record<string, string>;
  expect(Object.keys(texts)).toHaveLength(133);
  for (const [number, text] of Object.entries(texts)) {
    expect(errnoText(Number(number))).toBe(text);
  }
});
