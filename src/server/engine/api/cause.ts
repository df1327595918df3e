export type CauseKind =
  | "request"
  | "exit"
  | "restartPolicy"
  | "probe"
  | "dependency"
  | "schedule"
  | "queue"
  | "retention"
  | "recovery"
  | "startFailure"
  | "boot"
  | "limit"
  | "project";

/** Why something happens, and who asked for it. */
export interface Cause {
  readonly kind: CauseKind;
  /** "local" over the socket, a user's name over TCP; empty: nobody asked. */
  readonly principal: string;
  /** As the client gave it; empty: none. */
  readonly requestId: string;
  /** A few words for people; may be empty. */
  readonly detail: string;
}
