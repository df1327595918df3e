import headless from "@xterm/headless";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProgramModes } from "../../../src/terminal/program-modes.ts";

function fed(...pieces: string[]): ProgramModes {
  const modes = new ProgramModes(true);
  for (const piece of pieces) {
    modes.feed(Buffer.from(piece));
  }
  return modes;
}

/** What an emulator that was written this to has set. */
async function emulated(text: string): Promise<{ modes: unknown; characters: unknown }> {
  const terminal = new headless.Terminal({ cols: 40, rows: 10, allowProposedApi: true });
  try {
    await new Promise<void>((resolve) => terminal.write(text, resolve));
    const screen = terminal.buffer.active.type;
    await new Promise<void>((resolve) => terminal.write("\r\nX", resolve));
    const { active } = terminal.buffer;
    const cell = active.getLine(active.baseY + active.cursorY)?.getCell(0);
    return {
      modes: { ...terminal.modes, screen },
      characters: [cell?.getChars(), cell?.isFgDefault(), cell?.isBgDefault(), cell?.isBold(), cell?.isInverse()],
    };
  } finally {
    terminal.dispose();
  }
}

/** Sequences that change something, and some that do not. */
const SEQUENCES = [
  ..."1 6 7 9 25 47 1000 1002 1003 1004 1006 1047 1049 2004 2026".split(" ").flatMap((mode) => {
    return [`\x1b[?${mode}h`, `\x1b[?${mode}l`];
  }),
  "\x1b[?1000;1006;2004h",
  "\x1b[4h",
  "\x1b[4l",
  "\x1b[2;5r",
  "\x1b[r",
  "\x1b[1;31m",
  "\x1b[0m",
  "\x1b=",
  "\x1b>",
  "\x1b(0",
  "\x1b(B",
  "\x1b7",
  "\x1b8",
  "\x1bc",
  "\x1b]0;a title\x07",
  "\x1bP1$r\x1b\\",
  "text\r\n",
  "\x1b[3;4H",
  "\x1b%G",
];

describe("what a program sets on a terminal", () => {
  test("is nothing while it writes text", () => {
    const modes = fed("text\r\n\ttabs \x07 \x1b[2J\x1b[H\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[K\x1b[?25l\x1b[?25h");
    expect([modes.enter, modes.leave]).toEqual(["", ""]);
  });

  test("is taken back, the alternate screen last, and set again, the alternate screen first", () => {
    const modes = fed("\x1b[?1049h\x1b[?1002;1006h\x1b[?25l");
    expect(modes.alternateScreen).toBe(true);
    expect(modes.leave).toBe("\x1b[?1002l\x1b[?1006l\x1b[?25h\x1b[?1049l\x1b(B\x0f\x1b[0m");
    expect(modes.enter).toBe("\x1b[?1049h\x1b[?1002h\x1b[?1006h\x1b[?25l");
  });

  test("a sequence that was cut is ended first", () => {
    expect(fed("\x1b[?2004h\x1b]0;never en").leave).toBe("\x18\x1b[?2004l");
    expect(fed("\x1b[?2004h\x1b[3").leave).toBe("\x18\x1b[?2004l");
  });

  test.each(SEQUENCES)("%j in pieces of a byte is the same", (sequence) => {
    const whole = fed(sequence, "\x1b[?1049h");
    const bytes = fed(...sequence, ..."\x1b[?1049h");
    expect([bytes.enter, bytes.leave]).toEqual([whole.enter, whole.leave]);
  });

  test.each([
    ["\x1b[>1u", "\x1b[<u"],
    ["\x1b[=5u", "\x1b[=0u"],
    ["\x1b[>4;2m", "\x1b[>4m"],
    ["\x1b[4 q", "\x1b[0 q"],
    ["\x0e", "\x0f"],
  ])("%j is undone by %j", (set, reset) => {
    expect(fed(set).leave).toBe(reset);
    expect(fed(set, reset).leave).toBe("");
  });

  test.each<[string, string, string, string]>([
    ["twice pushed", "\x1b[>1u\x1b[>5u", "\x1b[>1u\x1b[>5u", "\x1b[<2u"],
    ["twice pushed, once popped", "\x1b[>1u\x1b[>5u\x1b[<u", "\x1b[>1u", "\x1b[<u"],
    ["pushed without flags", "\x1b[>u", "\x1b[>0u", "\x1b[<u"],
    ["popped several at once", "\x1b[>1u\x1b[>2u\x1b[>3u\x1b[<2u", "\x1b[>1u", "\x1b[<u"],
    ["popped more than was pushed", "\x1b[=1u\x1b[>1u\x1b[<9u", "", ""],
    ["set on top of what was pushed", "\x1b[>1u\x1b[=5u", "\x1b[>5u", "\x1b[<u"],
    ["set below what was pushed", "\x1b[=1u\x1b[>5u", "\x1b[=1u\x1b[>5u", "\x1b[<u\x1b[=0u"],
    ["set bit by bit", "\x1b[=1u\x1b[=6;2u\x1b[=2;3u", "\x1b[=5u", "\x1b[=0u"],
    ["reset", "\x1b[=1u\x1b[>5u\x1bc", "", ""],
    [
      "of either screen",
      "\x1b[>1u\x1b[?1049h\x1b[>3u\x1b[>7u",
      "\x1b[>1u\x1b[?1049h\x1b[>3u\x1b[>7u",
      "\x1b[<2u\x1b[?1049l\x1b[<u\x1b(B\x0f\x1b[0m",
    ],
    ["of the main screen again", "\x1b[>1u\x1b[?1049h\x1b[>3u\x1b[<u\x1b[?1049l\x1b[<u", "", "\x1b(B\x0f\x1b[0m"],
  ])("keyboard flags %s", (_name, text, enter, leave) => {
    const modes = fed(text);
    expect(modes.leave).toBe(leave);
    expect(modes.enter).toBe(enter);
  });

  test("flags that are pushed without end are bounded", () => {
    expect(fed("\x1b[>1u".repeat(10_000)).leave).toBe("\x1b[<4096u");
  });

  test("every way of mouse tracking that was set is reset: in some terminals each is on its own", () => {
    expect(fed("\x1b[?1000h\x1b[?1002h\x1b[?1003h").leave).toBe("\x1b[?1000l\x1b[?1002l\x1b[?1003l");
    expect(fed("\x1b[?1000;1002;1003h\x1b[?1003l").leave).toBe("\x1b[?1000l\x1b[?1002l");
    expect(fed("\x1b[?1000;1002h\x1b[?1002;1000l").leave).toBe("");
    expect(fed("\x1b[?1015h\x1b[?1006h").leave).toBe("\x1b[?1015l\x1b[?1006l");
  });

  test("whatever it was: an emulator is as new after leaving, and as before after entering again", async () => {
    const fresh = await emulated("");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...SEQUENCES), { maxLength: 12 }), async (sequences) => {
        const text = sequences.join("");
        const { enter, leave } = fed(text);
        expect(await emulated(text + leave)).toEqual(fresh);
        expect((await emulated(text + leave + enter)).modes).toEqual((await emulated(text)).modes);
      }),
      { numRuns: 200 },
    );
  });
});
