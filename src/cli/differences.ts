/** How a process that exists differs from one that was to be started, in the words of the command line. */
import { escapeBytes } from "../common/escape.ts";
import type { EnvironmentOptions, ProcessInfo, StartOptions, TextOrBytes } from "../sdk/index.ts";
import { shellWords } from "./output/shell-words.ts";

/** @param existing with its environment */
export function differences(existing: ProcessInfo, request: StartOptions): string[] {
  const { spec } = existing;
  const found: string[] = [];
  const compare = (what: string, was: string, given: string): void => {
    if (was !== given) {
      found.push(`${what} was ${was === "" ? "none" : was} and is ${given === "" ? "none" : given} now`);
    }
  };
  compare(
    "the command",
    shellWords([spec.executable, ...spec.args]),
    shellWords([request.executable, ...(request.args ?? [])]),
  );
  compare("--name", existing.name ?? "", request.name ?? "");
  compare("--directory", shown(spec.cwd), shown(request.cwd));
  compare("--label", sorted(Object.entries(existing.labels)), sorted(Object.entries(request.labels ?? {})));
  compare("--stdin", spec.stdin, request.stdin ?? "null");
  compare("--tty", spec.terminal === undefined ? "off" : "on", request.terminal === undefined ? "off" : "on");
  // What was not asked for has the default, and the daemon says which: none of them can be the difference.
  const { output, stop } = request;
  compare(
    "--output-limit",
    shownNumber(spec.output.limitBytes),
    shownNumber(output?.limitBytes ?? spec.output.limitBytes),
  );
  compare("--stop-signal", spec.stop.signal ?? "", String(stop?.signal ?? spec.stop.signal ?? ""));
  compare("--stop-timeout", shownNumber(spec.stop.graceMs), shownNumber(stop?.graceMs ?? spec.stop.graceMs));
  compare("the umask", octal(spec.umask), octal(request.umask));
  compare("the nice value", String(spec.nice ?? 0), String(request.nice ?? 0));
  const [were, are] = [limitsText(spec.limits), limitsText(request.limits ?? {})];
  if (were !== are) {
    found.push("limits");
  }
  const names = differentVariables(existing, request.env ?? {});
  if (names.length > 0) {
    found.push(`the environment differs in ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""}`);
  }
  return found;
}

function shown(text: TextOrBytes | undefined): string {
  return text === undefined ? "" : typeof text === "string" ? text : escapeBytes(text);
}

function shownNumber(value: number | undefined): string {
  return value === undefined ? "" : String(value);
}

function octal(mask: number | undefined): string {
  return (mask ?? 0o022).toString(8).padStart(3, "0");
}

function sorted(entries: readonly (readonly [string, string])[]): string {
  return entries
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");
}

function limitsText(limits: NonNullable<StartOptions["limits"]>): string {
  const { rlimits = [], ...tree } = limits;
  const each = rlimits.map(({ resource, soft, hard }) => `${resource}=${soft}:${hard}`).sort();
  return JSON.stringify([each, Object.entries(tree).sort()]);
}

/** Names alone: values may be secrets. */
function differentVariables({ spec }: ProcessInfo, env: EnvironmentOptions): string[] {
  const were = new Map<string, string>([
    ...Object.entries(spec.env),
    ...spec.envBytes.map(({ name, value }) => [escapeBytes(name), escapeBytes(value)] as const),
  ]);
  const pairs = Symbol.iterator in env ? [...env] : Object.entries(env);
  const are = new Map(pairs.map(([name, value]) => [shown(name), shown(value)]));
  return [...new Set([...were.keys(), ...are.keys()])].filter((name) => were.get(name) !== are.get(name)).sort();
}
