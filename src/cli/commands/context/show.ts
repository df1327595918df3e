import { dirname, resolve } from "node:path";
import { escapeText } from "../../../common/escape.ts";
import { ExitCode } from "../../../common/exit-codes.ts";
import { contextsPath, localContext, readContexts } from "../../../sdk/context/contexts.ts";
import { defaultSocketPath } from "../../../sdk/index.ts";
import { defineCommand } from "../../command.ts";
import { CommandError } from "../../errors.ts";
import { painter } from "../../output/color.ts";
import { outputOption } from "../../output/format.ts";
import { changeFormats, printChanged } from "../../output/results.ts";

const titles = {
  name: "Name",
  address: "Address",
  ca: "Authorities",
  cert: "Certificate",
  key: "Key",
  username: "User",
  passwordFile: "Password file",
} as const;

export const command = defineCommand({
  summary: "Show the context in use, or another one",
  description: "Without a NAME, the context that commands use now. Of secrets only the files are shown.",
  options: { output: outputOption(...changeFormats) },
  operands: { usage: "[NAME]", min: 0, max: 1, complete: "none" },
  exitCodes: [["3", "there is no such context"]],
  examples: [
    ["pm context show", "which daemon commands use"],
    ["pm context show -o name", "only its name, as in a shell's prompt"],
  ],
  async run({ options, operands: [named], globals, caller }) {
    const { env } = caller;
    const path = contextsPath(env);
    const { current, contexts } = readContexts(path);
    const name = named ?? globals.context ?? (env["PM_CONTEXT"] || current || localContext);
    const context =
      name === localContext
        ? { address: `unix://${defaultSocketPath(env)}` }
        : Object.hasOwn(contexts, name)
          ? contexts[name]
          : undefined;
    if (context === undefined) {
      throw new CommandError(`there is no context "${name}"`, {
        exitCode: ExitCode.notFound,
        hint: "'pm context ls' lists the contexts",
      });
    }
    const files = new Set(["ca", "cert", "key", "passwordFile"]);
    const shown = Object.fromEntries(
      Object.entries({ name, ...context }).map(([field, text]) => [
        field,
        files.has(field) ? resolve(dirname(path), text) : text,
      ]),
    );
    if (options.output === undefined || options.output === "text") {
      const paint = painter(caller, globals);
      const width = Math.max(...Object.values(titles).map((title) => title.length));
      const rows = Object.entries(titles).flatMap(([field, title]) => {
        const text = shown[field];
        return text === undefined ? [] : [`${paint("bold", title.padEnd(width))}  ${escapeText(text)}\n`];
      });
      caller.print(rows.join(""));
    } else {
      printChanged(caller, options.output, name, shown);
    }
    return ExitCode.ok;
  },
});
