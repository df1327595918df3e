import { stringify } from "yaml";

/** A value as YAML. Here, since what reads and writes YAML is a program of its own that scripted commands do not load. */
export function toYaml(value: unknown): string {
  return stringify(value);
}
