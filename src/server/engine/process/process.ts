import type { Cause } from "../api/cause.ts";
import type { Change, DesiredState, ProcessInfo, ProcessState } from "../api/process.ts";
import type { ProcessSpec } from "../api/spec.ts";
import type { Supervision } from "../api/supervision.ts";
import { Notifier } from "../notifier.ts";
import type { Run } from "../run/run.ts";
import { InputQueue } from "./input-queue.ts";
import type { Intent } from "./intent.ts";
import type { Signaling } from "./signaling.ts";

/** One process of the table: who it is, what was asked for, what it is meant to do, and its last runs. */
export class ManagedProcess {
  readonly id: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  /** What the next run is started with. */
  spec: ProcessSpec;
  /** Nanoseconds since the epoch. */
  readonly createTime: bigint;
  /** The journal's number of its creation: the order of creation, whatever the clock did. */
  readonly sequence: number;
  current: Run;
  /** Those before the current one that are kept, the newest first. */
  earlier: Run[] = [];
  desired: DesiredState = "running";
  /** What was asked for and is not done yet. */
  intents: readonly Intent[] = [];
  /** The signal that its shim is being told to send. */
  signaling: Signaling | null = null;
  /** One that the last daemon told it to send, and whether that was done. */
  signaledBefore: { readonly signaling: Signaling; readonly wasSent: Promise<boolean> } | null = null;
  lastChange: Change;
  /** When watchers first heard of it; 0: not yet, its first run was not executed. */
  announcedAt = 0;
  /** The journal's number of what happened to it last. */
  changedAt: number;
  /** The first start under way; settles, and never rejects, when it is over. */
  starting: Promise<void> | null = null;
  /** Why the first start failed; the process is then removed. */
  startError: unknown = null;
  /** The restart under way. */
  restarting: Promise<ProcessInfo> | null = null;
  /** The spec that the restart under way puts in the place of the one that there is; null: none. */
  nextSpec: ProcessSpec | null = null;
  /** Nobody asked for it: supervision begins the next run, with the spec that there was. */
  restartsItself = false;
  removing = false;
  /** Its run has ended for a restart or a removal, and nobody has decided what becomes of it if that fails. */
  endIsUndecided = false;
  removed = false;
  removalCause: Cause | null = null;
  /** Its directory is not of its making, so it must not remove it. */
  foreignDirectory = false;
  /** The daemon ends it with itself: what it is meant to do stays. */
  endsWithDaemon = false;
  /** Its record is that of a newer pm: it is not overwritten. */
  readOnly = false;
  /** Wakes on every change and on every event of the current run. */
  readonly changed = new Notifier();
  readonly input = new InputQueue();

  constructor(
    identity: Pick<ManagedProcess, "id" | "name" | "labels" | "spec" | "createTime" | "sequence">,
    current: Run,
    lastChange: Change,
  ) {
    this.id = identity.id;
    this.name = identity.name;
    this.labels = identity.labels;
    this.spec = identity.spec;
    this.createTime = identity.createTime;
    this.sequence = identity.sequence;
    this.changedAt = identity.sequence;
    this.current = current;
    this.lastChange = lastChange;
  }

  /** What supervision keeps with it; undefined: nothing. */
  supervision: Supervision | undefined = undefined;
  /** What supervision says of it while no run is under way; null: nothing, the state of its run counts. */
  standing: "waiting" | "givenUp" | null = null;

  get state(): ProcessState {
    if (this.standing !== null) return this.standing;
    return this.hasRun ? this.current.state : "exited";
  }

  /** False: it waits for its first one, and the current one, number 0, stands for none. */
  get hasRun(): boolean {
    return this.current.number > 0;
  }

  /** Its run is the one that it was started with: if that fails to begin, nothing is left of the process. */
  get isFirstStart(): boolean {
    return this.current.number === 1 && this.supervision === undefined;
  }

  /** Its run ends, or has ended, for another run to begin, or for the process to be removed. */
  get isToBeReplaced(): boolean {
    return this.intents.some(({ kind }) => kind !== "stop");
  }

  get runs(): readonly Run[] {
    return this.hasRun ? [this.current, ...this.earlier] : [];
  }

  run(number: number): Run | undefined {
    return this.runs.find((run) => run.number === number);
  }

  /** Ended, and nothing of it lives or is about to. */
  get settled(): boolean {
    const { current } = this;
    return (
      current.ended &&
      !current.treeAlive &&
      current.stops === 0 &&
      this.starting === null &&
      this.restarting === null &&
      this.intents.length === 0
    );
  }

  /** Settled, and it neither waits nor has given up: it may make room for others. */
  get expendable(): boolean {
    return this.settled && this.standing === null;
  }

  info(resourceVersion: string): ProcessInfo {
    return {
      id: this.id,
      name: this.name,
      labels: this.labels,
      spec: this.spec,
      state: this.state,
      desiredState: this.desired,
      run: this.current.info(),
      createTime: this.createTime,
      sequence: this.sequence,
      resourceVersion,
      lastChange: this.lastChange,
      ...(this.supervision === undefined ? {} : { supervision: this.supervision }),
    };
  }
}
