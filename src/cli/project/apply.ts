/** Applying a project, and telling what is done. */

import { escapeText } from "../../common/escape.ts";
import { ExitCode } from "../../common/exit-codes.ts";
import type { ProjectDescription } from "../../project/description.ts";
import type { ApplyProjectOptions, ProjectAction, ProjectFrame, ProjectStep } from "../../sdk/index.ts";
import type { Caller } from "../caller.ts";
import { formatError } from "../errors.ts";
import type { Paint, Style } from "../output/color.ts";

/** What a description asks for; what commands add is theirs. */
export function applyOptions(description: ProjectDescription): ApplyProjectOptions {
  const { source, processes, queues, schedules } = description;
  return { source, processes, queues, schedules };
}

const words: Readonly<Record<ProjectAction, readonly [plan: string, done: string, style: Style]>> = {
  none: ["as it is", "as it is", "dim"],
  create: ["create", "created", "green"],
  update: ["update", "updated", "yellow"],
  restart: ["restart", "restarted", "yellow"],
  start: ["start", "started", "green"],
  remove: ["remove", "removed", "red"],
  keep: ["no longer described, kept", "no longer described, kept", "dim"],
  unknown: ["change", "changed", "yellow"],
};

/** One line of a plan. */
export function planLine({ name, action, changedFields }: ProjectStep, paint: Paint): string {
  const [plan, , style] = words[action];
  const fields = changedFields.length === 0 ? "" : ` (${changedFields.map(escapeText).join(", ")})`;
  return `${paint(style, escapeText(name))}: ${plan}${fields}\n`;
}

/** Tells each step as it is done; the exit code, and the UUIDs of the processes. */
export async function tellProgress(
  frames: AsyncIterable<ProjectFrame>,
  caller: Caller,
  { paint, say, debug }: { readonly paint: Paint; readonly say: (text: string) => void; readonly debug: boolean },
): Promise<number> {
  let steps: readonly ProjectStep[] = [];
  let failed = 0;
  for await (const frame of frames) {
    switch (frame.type) {
      case "plan":
        steps = frame.steps;
        break;
      case "progress": {
        const step = steps[frame.step];
        if (frame.error !== undefined) {
          caller.note(`pm: ${escapeText(step?.name ?? "a process")}: ${formatError(frame.error, debug).slice(4)}`);
        } else if (step !== undefined && step.action !== "none") {
          const [, done, style] = words[step.action];
          const { state, supervision } = frame.process ?? {};
          const waits = state === "waiting" ? supervision?.waiting?.detail || supervision?.waiting?.reason : undefined;
          say(
            `${paint(style, escapeText(step.name))}: ${done}${waits === undefined ? "" : `, waits: ${escapeText(waits)}`}\n`,
          );
        }
        break;
      }
      case "end":
        ({ failed } = frame);
        break;
    }
  }
  return failed === 0 ? ExitCode.ok : ExitCode.failure;
}
