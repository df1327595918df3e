/** Applying a project, and telling what is done. */

import { escapeText } from "../../common/escape.ts";
import { ExitCode } from "../../common/exit-codes.ts";
import {
  type ApplyProjectOptions,
  PmError,
  type ProcessManager,
  type ProjectAction,
  type ProjectFrame,
  type ProjectStep,
  toContractJson,
} from "../../sdk/index.ts";
import { errorJson } from "../bulk.ts";
import type { Caller } from "../caller.ts";
import { CommandError, formatError } from "../errors.ts";
import type { Paint, Style } from "../output/color.ts";
import { jsonLine, prettyJson } from "../output/format.ts";
import type { Format } from "../output/results.ts";
import type { ReadProject } from "./read.ts";

/**
 * Applies a project as its files describe it.
 *
 * @param options What a command adds, or has otherwise.
 * @throws CommandError that names file, line and column of what the daemon refused
 */
export async function* applyProject(
  manager: ProcessManager,
  project: ReadProject,
  options: Partial<ApplyProjectOptions>,
): AsyncGenerator<ProjectFrame, void, void> {
  const { name, source, processes, queues, schedules } = project;
  try {
    yield* manager.projects.apply(name, { source, processes, queues, schedules, ...options });
  } catch (error) {
    throw placed(error, project);
  }
}

/** "FILE:LINE:COLUMN: " in place of the fields of a request. */
function placed(error: unknown, { locate }: ReadProject): unknown {
  if (!(error instanceof PmError) || error.reason !== "INVALID_ARGUMENT") {
    return error;
  }
  const message = error.message.replace(/\b(?:processes|schedules)\[\d+\][\w.[\]]*(?=: )/g, (field) => {
    const place = locate(field);
    return place === undefined ? field : `${place.file}:${place.line}:${place.column}`;
  });
  return message === error.message ? error : new CommandError(message, { exitCode: ExitCode.usage, cause: error });
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
