import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StartFailure } from "../api/process.ts";
import type { ProcessSpec } from "../api/spec.ts";
import { isUuid } from "./references.ts";

/**
 * What must survive the daemon and stands in no ring: `p/<uuid>/process.json`.
 * It is replaced by rename(2), so a reader sees one whole version or another.
 */
export interface ProcessRecord {
  readonly id: string;
  readonly spec: ProcessSpec;
  readonly createTime: bigint;
  /** The current run. */
  readonly run: number;
  /** Why the current run never began. */
  readonly failure: StartFailure | null;
  readonly oomKilled: boolean;
}

const version = 1;
const fileName = "process.json";

export function writeRecord(directory: string, record: ProcessRecord): void {
  const { spec } = record;
  const rlimits = spec.limits.rlimits.map(({ resource, soft, hard }) => ({
    resource,
    soft: soft === null ? null : String(soft),
    hard: hard === null ? null : String(hard),
  }));
  const text = JSON.stringify({
    version,
    ...record,
    createTime: String(record.createTime),
    spec: { ...spec, limits: { ...spec.limits, rlimits } },
  });
  const temporary = join(directory, `${fileName}.new`);
  try {
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, join(directory, fileName));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Null if there is none; throws if there is one that cannot be read or believed. */
export function readRecord(directory: string): ProcessRecord | null {
  let text: string;
  try {
    text = readFileSync(join(directory, fileName), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (!isStored(value)) throw new Error(`${fileName} is not of this version of pm`);
  const { spec } = value;
  return {
    id: value.id,
    createTime: BigInt(value.createTime),
    run: value.run,
    failure: value.failure,
    oomKilled: value.oomKilled,
    spec: {
      ...spec,
      limits: {
        ...spec.limits,
        rlimits: spec.limits.rlimits.map(({ resource, soft, hard }) => ({
          resource,
          soft: soft === null ? null : BigInt(soft),
          hard: hard === null ? null : BigInt(hard),
        })),
      },
    },
  };
}

/** Makes the record unreadable first of all: the rest is then rubbish to the next daemon. */
export function deleteRecord(directory: string): void {
  rmSync(join(directory, fileName), { force: true });
}

/** A record as JSON has it: 64-bit numbers are decimal strings. */
interface StoredRecord extends Omit<ProcessRecord, "createTime" | "spec"> {
  readonly createTime: string;
  readonly spec: Omit<ProcessSpec, "limits"> & {
    readonly limits: Omit<ProcessSpec["limits"], "rlimits"> & {
      readonly rlimits: readonly { resource: string; soft: string | null; hard: string | null }[];
    };
  };
}

/** Only daemons write these files, so the version says how the rest looks. */
function isStored(value: unknown): value is StoredRecord {
  return (
    isObject(value) &&
    value["version"] === version &&
    typeof value["id"] === "string" &&
    isUuid(value["id"]) &&
    typeof value["createTime"] === "string" &&
    /^\d+$/.test(value["createTime"]) &&
    typeof value["run"] === "number" &&
    Number.isInteger(value["run"]) &&
    value["run"] >= 1 &&
    isObject(value["spec"]) &&
    typeof value["spec"]["executable"] === "string" &&
    Array.isArray(value["spec"]["args"]) &&
    isObject(value["spec"]["limits"]) &&
    Array.isArray(value["spec"]["limits"]["rlimits"])
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
