import { ExitCode } from "../../common/exit-codes.ts";
import { choice } from "../arguments/values.ts";
import { defineCommand } from "../command.ts";
import { completionScripts } from "../completion/scripts.ts";

const shells = ["bash", "zsh", "fish"] as const;

export const command = defineCommand({
  summary: "Print a completion script for a shell",
  options: {},
  operands: { usage: "bash|zsh|fish", min: 1, max: 1, complete: shells },
  examples: [
    ["source <(pm completion bash)", "in ~/.bashrc"],
    ["source <(pm completion zsh)", "in ~/.zshrc, after compinit"],
    ["pm completion fish | source", "in ~/.config/fish/config.fish"],
  ],
  async run({ operands: [shell = ""], caller }) {
    caller.print(completionScripts[choice(...shells)(shell)]);
    return ExitCode.ok;
  },
});
