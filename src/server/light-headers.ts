/**
 * Takes the place of the global `Headers` in the daemon. Connect makes one for each error and each stream, and the
 * first use of Node's own loads its whole HTTP client, `fetch` and all: 15 ms of processor time at the daemon's start,
 * and 5 MB of memory for good.
 */

const name = /^[!#$%&'*+.^_`|~\w-]+$/;
/** What no field may hold: bytes that end it, and what is no byte. */
const notInValue = /[\0\r\n]|[^\0-\xff]/;
const around = /^[\t\n\r ]+|[\t\n\r ]+$/g;

/** As the Fetch standard has it, for headers that nobody guards. */
export class LightHeaders implements Headers {
  readonly #fields = new Map<string, string[]>();

  constructor(init?: ConstructorParameters<typeof Headers>[0]) {
    if (init === undefined) return;
    for (const [key, value] of Symbol.iterator in init ? init : Object.entries(init))
      this.append(String(key), String(value));
  }

  append(key: string, value: string): void {
    const [field, text] = checked(key, value);
    const values = this.#fields.get(field);
    if (values === undefined) this.#fields.set(field, [text]);
    else values.push(text);
  }

  delete(key: string): void {
    this.#fields.delete(lowerCase(key));
  }

  get(key: string): string | null {
    return this.#fields.get(lowerCase(key))?.join(", ") ?? null;
  }

  has(key: string): boolean {
    return this.#fields.has(lowerCase(key));
  }

  set(key: string, value: string): void {
    const [field, text] = checked(key, value);
    this.#fields.set(field, [text]);
  }

  getSetCookie(): string[] {
    return [...(this.#fields.get("set-cookie") ?? [])];
  }

  forEach(visit: (value: string, key: string, headers: Headers) => void, thisArg?: unknown): void {
    for (const [key, value] of this) visit.call(thisArg, value, key, this);
  }

  *entries(): Generator<[string, string], undefined, undefined> {
    for (const [key, values] of [...this.#fields].sort(([one], [other]) => (one < other ? -1 : 1))) {
      if (key !== "set-cookie") yield [key, values.join(", ")];
      else for (const value of values) yield [key, value];
    }
  }

  *keys(): Generator<string, undefined, undefined> {
    for (const [key] of this) yield key;
  }

  *values(): Generator<string, undefined, undefined> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): Generator<[string, string], undefined, undefined> {
    return this.entries();
  }
}

function lowerCase(key: string): string {
  if (!name.test(key)) throw new TypeError(`${JSON.stringify(key)} is no name of a header`);
  return key.toLowerCase();
}

/** The value itself may be a secret. */
function checked(key: string, value: string): [field: string, text: string] {
  const field = lowerCase(key);
  const text = String(value).replace(around, "");
  if (notInValue.test(text)) throw new TypeError(`what ${field} is given is no value of a header`);
  return [field, text];
}
