import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), "pm-contract-"));
  for (const path of ["buf.yaml", "proto", "third_party"])
    cpSync(join(root, path), join(copy, path), { recursive: true });
});

afterEach(() => {
  rmSync(copy, { recursive: true, force: true });
});

function edit(file: string, from: RegExp, to: string): void {
  const path = join(copy, "proto/pm/v1", file);
  const before = readFileSync(path, "utf8");
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
}

function breaking(): { status: number | null; text: string } {
  const buf = join(root, "node_modules/.bin/buf");
  const { status, stdout, stderr } = spawnSync(buf, ["breaking", "proto", "--against", "proto/baseline.binpb"], {
    cwd: copy,
    encoding: "utf8",
  });
  return { status, text: stdout + stderr };
}

describe("the comparison with the last release", () => {
  test("accepts the contract as it is, and a new field", () => {
    edit("spec.proto", /^message TerminalSize \{/m, "message TerminalSize {\n  // depth is new.\n  uint32 depth = 99;");
    expect(breaking()).toEqual({ status: 0, text: "" });
  });

  test.each([
    ["a method that is deleted", "process_service.proto", /^ {2}rpc GetProcess\([^{]*\{[^}]*\}\n/m, ""],
    ["a method that is renamed", "process_service.proto", /rpc ListRuns\(/, "rpc ListSomeRuns("],
    ["a field that is deleted", "spec.proto", /^ {2}TerminalSize terminal = 12;\n/m, ""],
    ["a field of another type", "process.proto", /uint64 sequence = 9;/, "uint32 sequence = 9;"],
    ["an enum value that is renamed", "output.proto", /OUTPUT_STREAM_STDERR = 2/, "OUTPUT_STREAM_ERR = 2"],
  ])("refuses %s", (_what, file, from, to) => {
    edit(file, from, to);
    const { status, text } = breaking();
    expect(status).not.toBe(0);
    expect(text).toContain("proto/pm/v1/");
  });
});
