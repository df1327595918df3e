import { describe, expect, test } from "vitest";
import { InputDecoder } from "../../../../src/tui/terminal/input.ts";

function keys(...pieces: string[]): string[] {
  const decoder = new InputDecoder();
  const events = pieces.flatMap((piece) => decoder.push(piece));
  return [...events, ...decoder.flush()].map((event) =>
    event.type === "key"
      ? event.key
      : event.type === "paste"
        ? `paste ${event.text}`
        : `${event.button} ${event.x} ${event.y}`,
  );
}

describe("input", () => {
  test.each([
    ["several keys in one piece", ["jjG"], ["j", "j", "G"]],
    ["arrows", ["\x1b[A\x1b[B\x1bOC\x1b[D"], ["up", "down", "right", "left"]],
    ["a sequence in pieces", ["\x1b", "[", "5", "~"], ["pageup"]],
    ["home and end", ["\x1b[H\x1b[F\x1b[1~\x1b[4~"], ["home", "end", "home", "end"]],
    [
      "control keys",
      ["\x03\x04\x0c\x1a\t\r\x7f"],
      ["ctrl+c", "ctrl+d", "ctrl+l", "ctrl+z", "tab", "enter", "backspace"],
    ],
    ["shift-tab and space", ["\x1b[Z "], ["shift+tab", "space"]],
    ["modifiers", ["\x1b[1;5A"], ["ctrl+up"]],
    ["escape alone", ["\x1b"], ["escape"]],
    ["escape twice, then a key", ["\x1b\x1bj"], ["escape", "alt+j"]],
    ["characters of two units", ["é👍"], ["é", "👍"]],
    ["a paste in pieces", ["\x1b[200~rm -rf", " /\n\x1b[201~j"], ["paste rm -rf /\n", "j"]],
    ["the wheel and a click", ["\x1b[<64;3;4M\x1b[<0;1;1M\x1b[<0;1;1m"], ["wheel-up 2 3", "left 0 0"]],
    ["an unknown sequence", ["\x1b[99~j"], ["j"]],
  ])("%s", (_name, pieces, expected) => {
    expect(keys(...pieces)).toEqual(expected);
  });

  test.each([
    ["at once", [`\x1b[200~${"x".repeat(2_000_000)}Xy\x1b[201~j`]],
    ["in pieces", ["\x1b[200~", ...Array.from({ length: 40 }, () => "Xy".repeat(25_000)), "\x1b", "[201~j"]],
    ["its end at the limit", ["\x1b[200~", `${"x".repeat((1 << 20) - 3)}\x1b[2`, "01~j"]],
  ])("of a paste that is too long the rest is left out, not taken for keys: %s", (_name, pieces) => {
    const [paste, ...others] = keys(...pieces);
    expect(paste?.length).toBeGreaterThan(1_000_000);
    expect(paste?.length).toBeLessThanOrEqual("paste ".length + (1 << 20));
    expect(others).toEqual(["j"]);
  });

  test("only what may be the escape key is not waited for", () => {
    for (const [begun, incomplete] of [
      ["\x1b", true],
      ["\x1b[", true],
      ["\x1b[20", false],
      ["\x1b[200~text \x1b", false],
      [`\x1b[200~${"x".repeat(1 << 20)}\x1b`, false],
    ] as const) {
      const decoder = new InputDecoder();
      decoder.push(begun);
      expect([begun.slice(0, 20), decoder.incomplete]).toEqual([begun.slice(0, 20), incomplete]);
    }
  });

  test("a sequence that never ends is given up", () => {
    const decoder = new InputDecoder();
    decoder.push(`\x1b[${"1;".repeat(100)}`);
    expect(decoder.incomplete).toBe(false);
    expect(decoder.push("j")).toEqual([{ type: "key", key: "j" }]);
  });
});
