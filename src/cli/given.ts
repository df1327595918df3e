/** What was given on a command line as the bytes that it is: text shows what is not UTF-8 as U+FFFD. */
import { textOfBytes } from "../common/escape.ts";
import type { TextOrBytes } from "../sdk/index.ts";
import type { Caller } from "./caller.ts";

const replacement = "\ufffd";

/** An argument, or the value at the end of one ("--env=A=x"). */
export function given(text: string, caller: Pick<Caller, "inherited">): TextOrBytes {
  if (!text.includes(replacement)) {
    return text;
  }
  for (const bytes of caller.inherited.args) {
    const whole = Buffer.from(bytes).toString("utf8");
    if (whole.endsWith(text)) {
      return exact(bytes.subarray(Buffer.byteLength(whole.slice(0, whole.length - text.length))));
    }
  }
  return text;
}

/** The last arguments of the command line. */
export function givenLast(words: readonly string[], caller: Pick<Caller, "inherited">): TextOrBytes[] {
  if (words.length === 0 || !words.some((word) => word.includes(replacement))) {
    return [...words];
  }
  return caller.inherited.args.slice(-words.length).map(exact);
}

/** The caller's variables in their order; the first of a name counts. */
export function callerEnvironment({
  env,
  inherited,
}: Pick<Caller, "env" | "inherited">): (readonly [name: TextOrBytes, value: TextOrBytes])[] {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (!entries.some(([name, value]) => name.includes(replacement) || value.includes(replacement))) {
    return entries;
  }
  const seen = new Set<string>();
  return inherited.env.flatMap((bytes) => {
    const equals = bytes.indexOf(0x3d);
    const key = Buffer.from(bytes.subarray(0, Math.max(equals, 0))).toString("latin1");
    if (equals <= 0 || seen.has(key)) {
      return [];
    }
    seen.add(key);
    return [[exact(bytes.subarray(0, equals)), exact(bytes.subarray(equals + 1))] as const];
  });
}

/** The caller's own value of a variable. */
export function callerVariable(name: string, caller: Pick<Caller, "env" | "inherited">): TextOrBytes | undefined {
  const value = caller.env[name];
  return value?.includes(replacement) === true ? callerEnvironment(caller).find(([key]) => key === name)?.[1] : value;
}

/** Where the caller is; undefined if that directory is gone. */
export function callerDirectory({ cwd, inherited }: Pick<Caller, "cwd" | "inherited">): TextOrBytes | undefined {
  return cwd?.includes(replacement) === true && inherited.cwd !== undefined ? exact(inherited.cwd) : cwd;
}

/** Text where the bytes are UTF-8. */
export function exact(bytes: Uint8Array): TextOrBytes {
  return textOfBytes(bytes) ?? bytes;
}

/** Text or bytes behind one another. */
export function joined(...parts: readonly TextOrBytes[]): TextOrBytes {
  return parts.every((part) => typeof part === "string")
    ? parts.join("")
    : exact(Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part))));
}
