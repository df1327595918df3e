/** Help texts, derived from the specs of commands and options. */

import type { Command, Option, Options } from "./command.ts";
import { type CommandEntry, type CommandGroup, registry } from "./commands/registry.ts";
import { globalOptions } from "./globals.ts";

export const generalExitCodes: readonly (readonly [string, string])[] = [
  ["0", "done"],
  ["1", "failed"],
  ["2", "usage: the command line is wrong"],
  ["3", "not found: no such process, or whatever was named"],
  ["4", "the daemon cannot be reached"],
  ["5", "not possible in the current state"],
  ["6", "timed out"],
];

export const environment: readonly (readonly [string, string])[] = [
  ["PM_HOST", "the same as --host"],
  ["PM_CONTEXT", "the same as --context"],
  [
    "PM_RUNTIME_DIR",
    "directory of the daemon's socket and all output; default: /run/pm for root, for others $XDG_RUNTIME_DIR/pm, else /dev/shm/pm-UID",
  ],
  ["PM_NO_AUTOSTART", "1: never start the daemon"],
  ["PM_NO_HOST", "1: run each command in its own process, never inside the daemon"],
  ["NO_COLOR", "any value: no color, unless --color asks for it"],
];

const visible = Object.entries(registry).filter(([name]) => !name.startsWith("__"));

const idHelp = "ID is a name, a UUID, or its first four or more characters.\n";

/** `pm --help`. */
export async function generalHelp(): Promise<string> {
  const commands = await Promise.all(visible.map(async ([name, entry]) => [name, await summaryOf(entry)] as const));
  return [
    "pm manages processes: it starts them, keeps their output, and stops each with everything that it started.\n",
    "Usage: pm COMMAND [OPTIONS] [ARG...]\n",
    section("Commands", commands),
    section("Global options", optionRows(globalOptions)),
    section("Environment", environment),
    section("Exit codes", generalExitCodes),
    idHelp,
    "'pm COMMAND --help' shows more about a command.\n",
  ].join("\n");
}

/** `pm GROUP --help`. */
export async function groupHelp(name: string, group: CommandGroup): Promise<string> {
  const commands = await Promise.all(
    Object.entries(group.commands).map(async ([word, entry]) => [word, await summaryOf(entry)] as const),
  );
  return [
    `${group.summary}.\n`,
    `Usage: pm ${name} COMMAND [OPTIONS] [ARG...]\n`,
    section("Commands", commands),
    `'pm ${name} COMMAND --help' shows more about a command.\n`,
  ].join("\n");
}

/** `pm COMMAND --help`. */
export function commandHelp(words: readonly string[], command: Command): string {
  const { operands, description, options, examples = [], exitCodes = [] } = command;
  const parts = [`${command.summary}.\n`, `${usage(words, command)}\n`];
  if (description !== undefined) {
    parts.push(`${description}\n`);
  }
  if (/\bID\b/.test(operands?.usage ?? "") && description?.includes("ID is a") !== true) {
    parts.push(idHelp);
  }
  if (Object.keys(options).length > 0) {
    parts.push(section("Options", optionRows(options)));
  }
  parts.push(section("Global options", optionRows(globalOptions)));
  if (exitCodes.length > 0) {
    parts.push(section("Exit codes", exitCodes));
  }
  if (examples.length > 0) {
    parts.push(`Examples:\n${examples.map(([line, meaning]) => `  # ${meaning}\n  ${line}\n`).join("")}`);
  }
  return parts.join("\n");
}

/** "Usage: pm stop [OPTIONS] ID...". */
function usage(words: readonly string[], { options, operands }: Command): string {
  const parts = ["Usage: pm", ...words];
  if (Object.keys(options).length > 0) {
    parts.push("[OPTIONS]");
  }
  if (operands !== undefined) {
    parts.push(operands.verbatim === true ? `[--] ${operands.usage}` : operands.usage);
    if (operands.tail !== undefined) {
      parts.push(`[-- ${operands.tail}]`);
    }
  }
  return parts.join(" ");
}

async function summaryOf(entry: CommandEntry | CommandGroup): Promise<string> {
  return "load" in entry ? (await entry.load()).command.summary : entry.summary;
}

function optionRows(options: Options): (readonly [string, string])[] {
  return Object.entries(options).map(([name, option]) => [optionTitle(name, option), option.summary]);
}

function optionTitle(name: string, option: Option): string {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  const value = option.kind === "flag" ? "" : option.kind === "optional" ? `[=${option.value}]` : ` ${option.value}`;
  return `${short}--${name}${value}${option.kind === "repeated" ? " …" : ""}`;
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return `${title}:\n${rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("")}`;
}
