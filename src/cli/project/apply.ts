/** Applying a project, and telling what is done. */

import { escapeText } from "../../common/escape.ts";
import { ExitCode } from "../../common/exit-codes.ts";
import type { ProjectDescription } from "../../project/description.ts";
import {
  type ApplyProjectOptions,
  type ProjectAction,
  type ProjectFrame,
  type ProjectStep,
  toContractJson,
} from "../../sdk/index.ts";
import { errorJson } from "../bulk.ts";
import type { Caller } from "../caller.ts";
import { formatError } from "../errors.ts";
import type { Paint, Style } from "../output/color.ts";
import { jsonLine, prettyJson } from "../output/format.ts";
import type { Format } from "../output/results.ts";

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

export interface ProgressOptions {
  readonly paint: Paint;
  /** Where the lines for people go. */
  readonly say: (text: string) => void;
  /** @default text */
  readonly format?: Format | undefined;
  readonly debug: boolean;
}

/** Tells each step as it is done; the exit code. */
export async function tellProgress(
  frames: AsyncIterable<ProjectFrame>,
  caller: Caller,
  { paint, say, format = "text", debug }: ProgressOptions,
): Promise<number> {
  const results: object[] = [];
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
        }
        if (step === undefined) {
          break;
        }
        if (format === "json") {
          results.push(resultOf(step, frame));
        } else if (format === "jsonl") {
          caller.print(jsonLine(resultOf(step, frame)));
        } else if (frame.error === undefined && step.action !== "none") {
          say(format === "name" ? `${step.name}\n` : doneLine(step, frame, paint));
        }
        break;
      }
      case "end":
        ({ failed } = frame);
        break;
    }
  }
  if (format === "json") {
    caller.print(prettyJson({ results }));
  }
  return failed === 0 ? ExitCode.ok : ExitCode.failure;
}

type Progress = Extract<ProjectFrame, { readonly type: "progress" }>;

function doneLine({ name, action }: ProjectStep, { process }: Progress, paint: Paint): string {
  const [, done, style] = words[action];
  const { state, supervision } = process ?? {};
  const waits = state === "waiting" ? supervision?.waiting?.detail || supervision?.waiting?.reason : undefined;
  return `${paint(style, escapeText(name))}: ${done}${waits === undefined ? "" : `, waits: ${escapeText(waits)}`}\n`;
}

function resultOf({ name, action, changedFields }: ProjectStep, { process, error }: Progress): object {
  return {
    name,
    action,
    ...(changedFields.length > 0 && { changedFields }),
    ...(process !== undefined && { process: toContractJson(process) }),
    ...(error !== undefined && { error: errorJson(error) }),
  };
}
