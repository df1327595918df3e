import type { ProcessInfo } from "../../../sdk/types.ts";
import { hasStatus, healthText } from "./supervision-text.ts";

/** What supervision brings to a process that has a column of its own, and how to tell whether there is any. */
export const SUPERVISION_FACTS = {
  status: hasStatus,
  project: ({ supervision }) => supervision !== undefined && supervision.project !== "",
  schedule: ({ supervision }) => supervision !== undefined && supervision.schedule !== "",
  queue: ({ spec }) => spec.queue !== undefined && spec.queue !== "",
  restarts: ({ supervision }) => supervision !== undefined && supervision.restarts > 0,
  health: ({ supervision }) => supervision !== undefined && healthText(supervision) !== "",
  next: ({ state, supervision }) => state === "waiting" && supervision?.waiting?.until !== undefined,
} as const satisfies Record<string, (process: ProcessInfo) => boolean>;

export type SupervisionFact = keyof typeof SUPERVISION_FACTS;

export const SUPERVISION_FACT_KEYS = Object.keys(SUPERVISION_FACTS) as readonly SupervisionFact[];
