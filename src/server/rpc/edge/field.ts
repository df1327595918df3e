/**
 * Where a request is checked: every violation is collected with the path of
 * its field, and the response has all of them.
 */
import type { Reason } from "../reasons.ts";

export interface Violation {
  /** Path in the request as the contract names its fields, such as "spec.args[1]". Empty: the request as a whole. */
  readonly field: string;
  readonly problem: string;
  readonly reason: Reason;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A request that breaks rules of the contract. */
export class InvalidRequest extends Error {
  override readonly name = "InvalidRequest";
  readonly violations: readonly [Violation, ...Violation[]];

  constructor(violations: readonly [Violation, ...Violation[]]) {
    super(violations.map(({ field, problem }) => (field === "" ? problem : `${field}: ${problem}`)).join("; "));
    this.violations = violations;
  }
}

/** A name of a field, an index of a list, or a key of a map. */
type Step = string | number | { readonly key: string };

/**
 * A field of a request. Its path is put together only where something is wrong,
 * which is rare: a start looks at some sixty fields.
 */
export class Field {
  readonly #parent: Field | null;
  readonly #step: Step;
  readonly #violations: Violation[];

  /** @param parent Null: it is the request. */
  constructor(parent: Field | null, step: Step, violations: Violation[]) {
    this.#parent = parent;
    this.#step = step;
    this.#violations = violations;
  }

  child(name: string): Field {
    return new Field(this, name, this.#violations);
  }

  item(index: number): Field {
    return new Field(this, index, this.#violations);
  }

  key(key: string): Field {
    return new Field(this, { key }, this.#violations);
  }

  /** Notes what is wrong here; the check goes on with whatever value the caller returns. */
  refuse(problem: string, reason: Reason = "INVALID_ARGUMENT", metadata: Readonly<Record<string, string>> = {}): void {
    this.#violations.push({ field: this.#path(), problem, reason, metadata });
  }

  #path(): string {
    if (this.#parent === null) return "";
    const before = this.#parent.#path();
    const step = this.#step;
    if (typeof step === "number") return `${before}[${step}]`;
    if (typeof step === "object") return `${before}[${JSON.stringify(step.key)}]`;
    return before === "" ? step : `${before}.${step}`;
  }
}

/**
 * What `convert` makes of a request.
 *
 * @throws InvalidRequest with everything that it refused
 */
export function checked<T>(convert: (request: Field) => T): T {
  const violations: Violation[] = [];
  const value = convert(new Field(null, "", violations));
  const [first, ...others] = violations;
  if (first !== undefined) {
    throw new InvalidRequest([first, ...others]);
  }
  return value;
}
