import { readFileSync } from "node:fs";

/**
 * What has become of a process that is known by its id and its start time
 * (clock ticks since boot): the id may be another's by now.
 */
export function processState(pid: number, start: bigint): "alive" | "stopped" | "gone" {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return "gone";
  }
  // The command name may hold anything, ") " too: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[19] !== String(start) || fields[0] === "Z" || fields[0] === "X") {
    return "gone";
  }
  return fields[0] === "T" || fields[0] === "t" ? "stopped" : "alive";
}
