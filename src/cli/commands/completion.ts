import { ExitCode } from "../../common/exit-codes.ts";
import { choice, operand } from "../arguments/values.ts";
import { defineCommand } from "../command.ts";
import { completionScripts } from "../completion/scripts.ts";

const shells = ["bash", "zsh", "fish"] as const;

export const command = defineCommand({
  summary: "Print a completion script for a shell",
  options: {},
  operands: { usage: "bash|zsh|fish", min: 1, max: 1, complete: shells },
  examples: [
    ["source <(pm completion bash)", "bash: a line for ~/.bashrc"],
    ["source <(pm completion zsh)", "zsh: a line for ~/.zshrc, after compinit"],
    ["pm completion fish | source", "fish: a line for ~/.config/fish/config.fish"],
  ],
  async run({ operands: [shell = ""], caller }) {
    caller.print(completionScripts[operand("SHELL", choice(...shells))(shell)]);
    return ExitCode.ok;
  },
});
