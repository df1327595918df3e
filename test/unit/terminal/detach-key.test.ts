import { describe, expect, test } from "vitest";
import { DetachKey } from "../../../src/terminal/detach-key.ts";

/** What is passed on of what is typed, and whether the key was found. */
function typed(...pieces: readonly string[]): { passed: string; pressed: boolean; held: string } {
  const key = new DetachKey();
  let passed = "";
  for (const piece of pieces) {
    const { data, pressed } = key.push(Buffer.from(piece, "latin1"));
    passed += data.toString("latin1");
    if (pressed) {
      return { passed, pressed, held: key.flush().toString("latin1") };
    }
  }
  return { passed, pressed: false, held: key.flush().toString("latin1") };
}

describe("Ctrl-]", () => {
  test.each([
    ["as a control character", "\x1d"],
    ["in kitty's protocol", "\x1b[93;5u"],
    ["with an event type", "\x1b[93;5:1u"],
    ["repeated", "\x1b[93;5:2u"],
    ["with alternate keys", "\x1b[93:125:93;5:1u"],
    ["with an alternate key that is missing", "\x1b[93::93;5u"],
    ["with a text", "\x1b[93;5;29u"],
    ["with Caps Lock", "\x1b[93;69u"],
    ["with Num Lock", "\x1b[93;133u"],
    ["with both, and an event type", "\x1b[93;197:1u"],
    ["with modifyOtherKeys", "\x1b[27;5;93~"],
  ])("%s is found, whole or in pieces, and not passed on", (_name, sequence) => {
    const found = { passed: "abc", pressed: true, held: "" };
    expect(typed(`abc${sequence}def`)).toEqual(found);
    expect(typed("abc", ...sequence)).toEqual(found);
    for (let i = 1; i < sequence.length; i++) {
      expect(typed(`abc${sequence.slice(0, i)}`, `${sequence.slice(i)}def`)).toEqual(found);
    }
  });

  test.each([
    ["another key", "\x1b[92;5u\x1b[27;5;92~\x1b[193;5u\x1b[27;5;193~"],
    ["with Shift", "\x1b[93;6u\x1b[27;6;93~"],
    ["with Alt", "\x1b[93;7u\x1b[27;7;93~"],
    ["with Super", "\x1b[93;13u"],
    ["without Ctrl", "]\x1b[93u\x1b[93;1u\x1b[93;65u\x1b[93;1:3u"],
    ["a paste", "\x1b[200~]\x1b[201~"],
    ["other keys", "\x1b[A\x1bOP\x1b[27u\x1b[2~\x1bx\xff\x00\xc3\xa9"],
  ])("%s is passed on as it is, whole or in pieces", (_name, keys) => {
    expect(typed(keys)).toEqual({ passed: keys, pressed: false, held: "" });
    expect(typed(...keys)).toEqual({ passed: keys, pressed: false, held: "" });
  });

  test("that is let go is neither pressed nor passed on", () => {
    expect(typed("a\x1b[93;5:3ub")).toEqual({ passed: "ab", pressed: false, held: "" });
    expect(typed(..."a\x1b[93;5:3ub")).toEqual({ passed: "ab", pressed: false, held: "" });
    expect(typed("a\x1b[93;5:3ub\x1b[93;5:1uc")).toEqual({ passed: "ab", pressed: true, held: "" });
  });

  test.each(["\x1b", "\x1b[", "\x1b[93;5", "\x1b[27;"])("%j may become it, and is held back", (beginning) => {
    expect(typed(`a${beginning}`)).toEqual({ passed: "a", pressed: false, held: beginning });
  });

  test("what is held back is bounded", () => {
    expect(typed("\x1b[93;", ..."1".repeat(100)).held).toBe("");
  });
});
