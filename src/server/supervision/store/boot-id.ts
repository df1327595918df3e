import { readFileSync } from "node:fs";

/** The kernel's id of this boot of the machine (random(4)). */
export function readBootId(path = "/proc/sys/kernel/random/boot_id"): string {
  return readFileSync(path, "latin1").trim();
}
