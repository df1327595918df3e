import { choice } from "./arguments/values.ts";
import { flag, type OptionValues, single, text } from "./command.ts";

/** Options that every command takes, before or after its name. */
export const globalOptions = {
  host: text("URL", "The daemon to use: unix:///PATH or https://HOST[:PORT] (PM_HOST)"),
  context: text("NAME", "The context to use; see 'pm context' (PM_CONTEXT)"),
  color: single("WHEN", choice("auto", "always", "never"), "Use color: auto (default), always or never", {
    complete: ["auto", "always", "never"],
  }),
  debug: flag("Show stack traces of errors"),
  help: flag("Show help", "h"),
} as const;

export type Globals = OptionValues<typeof globalOptions>;
