/** Every command that a guide shows is run, in the order in which it stands there, with the files of the guide. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { type Pm, type Result, test } from "./support/pm.ts";

const guides = join(import.meta.dirname, "../../docs/guides");
/** Columns of tables that hold commands. */
const columns = ["pm", "Command"];
/** They go on until somebody ends them: their own tests say what they do. Seconds. */
const endless = /^pm (logs -f|up$)/;
const interruptAfter = 3;
/** They need a terminal, or change the machine. */
const replaced: Readonly<Record<string, string>> = { ui: "pm ui --help", attach: "pm attach --help" };
/** Programs that the examples name. */
const programs = ["api.js", "job.js"];

interface Guide {
  /** By name. */
  readonly files: ReadonlyMap<string, string>;
  readonly commands: readonly string[];
}

test.for(readdirSync(guides))("what docs/guides/%s shows does work", async (name, { pm }) => {
  const { files, commands } = read(readFileSync(join(guides, name), "utf8"));
  expect(commands.length).toBeGreaterThan(3);
  const cwd = temporaryDirectory();
  for (const program of programs) {
    writeFileSync(join(cwd, program), "setInterval(() => undefined, 1000);\n");
  }
  for (const [file, text] of files) {
    writeFileSync(join(cwd, file), text);
  }
  for (const command of commands) {
    const { code, err } = await run(pm, command, cwd);
    // "pm diff" says by its code whether something would change.
    const allowed = endless.test(command) ? [0, 124, 130] : command.startsWith("pm diff") ? [0, 1] : [0];
    expect(allowed, `${command}: exit code ${code}, ${err}`).toContain(code);
  }
});

function run(pm: Pm, command: string, cwd: string): Promise<Result> {
  const [, word = ""] = command.split(" ");
  const safe = command.startsWith("pm ") ? (replaced[word] ?? command) : command;
  const script = endless.test(safe) ? `exec timeout -s INT ${interruptAfter} ${safe}` : safe;
  return pm.shell(safe === "pm install-service" ? `${script} --print` : script, { cwd });
}

function read(markdown: string): Guide {
  const files = new Map<string, string>();
  const commands: string[] = [];
  let column = -1;
  let named = "";
  const lines = markdown.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const fence = /^```(\w*)/.exec(line);
    if (fence !== null) {
      const end = lines.indexOf("```", at + 1);
      const block = lines.slice(at + 1, end);
      if (fence[1] === "console") {
        commands.push(...block.filter((text) => text.startsWith("$ ")).map((text) => text.slice(2)));
      } else if (named !== "") {
        files.set(named, `${block.join("\n")}\n`);
      }
      at = end;
    } else if (line.startsWith("|")) {
      const cells = cellsOf(line);
      if (!(lines[at - 1] ?? "").startsWith("|")) {
        column = cells.findIndex((cell) => columns.includes(cell));
      }
      const spans = (cells[column] ?? "").matchAll(/`([^`]+)`/g);
      commands.push(...Array.from(spans, ([, text = ""]) => text).filter((text) => /\bpm /.test(text)));
    } else if (line !== "") {
      named = /^`([\w.-]+)`/.exec(line)?.[1] ?? "";
    }
  }
  return { files, commands };
}

/** Of a row; "\|" is no end of a cell. */
function cellsOf(row: string): readonly string[] {
  return row
    .slice(1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}
