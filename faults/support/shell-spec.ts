import { type ProcessSpec, plainSpec } from "../../src/server/engine/api/spec.ts";

/** A script for an engine that runs in this process. */
export function shellSpec(script: string): ProcessSpec {
  return { ...plainSpec("sh", ["-c", script]), output: { limitBytes: 65_536, whenFull: "dropOldest" } };
}
