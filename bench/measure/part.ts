/** What a part of the bench is and gets. */
import type { PartResult } from "../report/markdown.ts";

export interface PartContext {
  readonly rounds: number;
  /** Processes of the parts that are about many, if another number was asked for. */
  readonly count?: number;
  /** Private, on disk, removed at the end. */
  readonly directory: string;
  /** Says on standard error what is being done. */
  readonly say: (text: string) => void;
}

export interface Part {
  /** What it is asked for by. */
  readonly name: string;
  readonly run: (context: PartContext) => Promise<PartResult>;
}
