/** Manual pages from the specifications of the commands: `pm.1`, and one for each command. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command, Option, Options } from "../../src/cli/command.ts";
import { registry } from "../../src/cli/commands/registry.ts";
import { globalOptions } from "../../src/cli/globals.ts";
import { environment, generalExitCodes } from "../../src/cli/help.ts";
import { project } from "./project.ts";
import { sourceDate } from "./run.ts";

/** Text that roff must not read: backslashes, hyphens, and what begins a request. */
function plain(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replace(/^([.'])/gm, "\\&$1");
}

const bold = (text: string): string => `\\fB${plain(text)}\\fR`;

function header(name: string): string {
  const date = new Date(sourceDate() * 1000).toISOString().slice(0, 10);
  return `.TH "${plain(name.toUpperCase())}" 1 ${date} "pm ${project.version}"\n`;
}

/** A list of terms, each with a sentence. */
function terms(title: string, rows: readonly (readonly [string, string])[]): string {
  const items = rows.map(([term, text]) => `.TP\n${term}\n${plain(text)}\n`);
  return rows.length === 0 ? "" : `.SH ${title}\n${items.join("")}`;
}

function optionTerm(name: string, option: Option): string {
  const long = bold(`--${name}`);
  const value = option.kind === "flag" ? "" : ` \\fI${plain(option.value)}\\fR`;
  return `${option.short === undefined ? "" : `${bold(`-${option.short}`)}, `}${long}${value}${option.kind === "repeated" ? " ..." : ""}`;
}

const optionRows = (options: Options): (readonly [string, string])[] =>
  Object.entries(options).map(([name, option]) => [optionTerm(name, option), option.summary]);

function commandPage(words: readonly string[], command: Command): string {
  const name = ["pm", ...words].join("-");
  const { operands, description, options, examples = [], exitCodes = [] } = command;
  const verbatim = operands?.verbatim === true ? "[\\-\\-] " : "";
  const synopsis = [
    bold(["pm", ...words].join(" ")),
    ...(Object.keys(options).length > 0 ? ["[\\fIOPTIONS\\fR]"] : []),
    ...(operands === undefined ? [] : [`${verbatim}\\fI${plain(operands.usage)}\\fR`]),
  ];
  return [
    header(name),
    `.SH NAME\n${plain(name)} \\- ${plain(command.summary)}\n`,
    `.SH SYNOPSIS\n${synopsis.join(" ")}\n`,
    description === undefined ? "" : `.SH DESCRIPTION\n${paragraphs(description)}`,
    terms("OPTIONS", optionRows(options)),
    terms("GLOBAL OPTIONS", optionRows(globalOptions)),
    terms(
      "EXIT STATUS",
      exitCodes.map(([code, meaning]) => [bold(code), meaning]),
    ),
    examples.length === 0
      ? ""
      : `.SH EXAMPLES\n${examples.map(([line, meaning]) => `.TP\n${bold(line)}\n${plain(meaning)}\n`).join("")}`,
    ".SH SEE ALSO\n.BR pm (1)\n",
  ].join("");
}

/** Paragraphs as they are; indented lines (tables) keep their line breaks. */
function paragraphs(text: string): string {
  const blocks = text
    .split(/\n\n+/)
    .map((block) => (/^ /m.test(block) ? `.nf\n${plain(block)}\n.fi\n` : `${plain(block)}\n`));
  return blocks.join(".PP\n");
}

interface Found {
  readonly words: readonly string[];
  readonly command: Command;
}

async function commands(): Promise<Found[]> {
  const found: Found[] = [];
  // The build puts it into the bundles.
  Object.assign(globalThis, { __PM_VERSION__: project.version });
  for (const [name, entry] of Object.entries(registry)) {
    if (name.startsWith("__")) {
      continue;
    }
    const entries =
      "load" in entry
        ? [[[name], entry] as const]
        : Object.entries(entry.commands).map(([word, one]) => [[name, word], one] as const);
    for (const [words, one] of entries) {
      found.push({ words, command: (await one.load()).command });
    }
  }
  return found;
}

function generalPage(all: readonly Found[]): string {
  return [
    header("pm"),
    ".SH NAME\npm \\- a process manager\n",
    ".SH SYNOPSIS\n\\fBpm\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARG\\fR...]\n",
    ".SH DESCRIPTION\npm starts processes, keeps their output, and stops them whole.\n",
    terms(
      "COMMANDS",
      all.map(({ words, command }) => [`${bold(words.join(" "))}`, `${command.summary}.`]),
    ),
    terms("GLOBAL OPTIONS", optionRows(globalOptions)),
    terms(
      "ENVIRONMENT",
      environment.map(([name, text]) => [bold(name), text]),
    ),
    terms(
      "EXIT STATUS",
      generalExitCodes.map(([code, text]) => [bold(code), text]),
    ),
    `.SH SEE ALSO\n${all.map(({ words }, index) => `.BR pm\\-${words.map(plain).join("\\-")} (1)${index < all.length - 1 ? " ," : ""}\n`).join("")}`,
  ].join("");
}

/** Writes every page into a directory; returns their names. */
export async function writeManPages(directory: string): Promise<string[]> {
  mkdirSync(directory, { recursive: true });
  const all = await commands();
  const pages = new Map([["pm.1", generalPage(all)]]);
  for (const { words, command } of all) {
    pages.set(`${["pm", ...words].join("-")}.1`, commandPage(words, command));
  }
  for (const [name, text] of pages) {
    writeFileSync(join(directory, name), text);
  }
  return [...pages.keys()];
}
