/** A failure of administration, with what kind of failure it is. */
export class AdminError extends Error {
  override readonly name = "AdminError";
  readonly kind: "usage" | "notFound" | "conflict";
  readonly hint: string | undefined;

  constructor(kind: AdminError["kind"], message: string, hint?: string) {
    super(message);
    this.kind = kind;
    this.hint = hint;
  }
}
