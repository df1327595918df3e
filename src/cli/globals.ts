import { choice } from "./arguments/values.ts";
import { flag, type OptionValues, single, text } from "./command.ts";

/** Options that every command takes, before or after its name. */
export const globalOptions = {
  host: text("URL", "Daemon to talk to: unix:///PATH or https://HOST[:PORT] (PM_HOST)"),
  context: text("NAME", "Client context to use (PM_CONTEXT)"),
  color: single("WHEN", choice("auto", "always", "never"), "Colour: auto, always or never", {
    complete: ["auto", "always", "never"],
  }),
  debug: flag("Show the stack of an error"),
  help: flag("Show help", "h"),
} as const;

export type Globals = OptionValues<typeof globalOptions>;
