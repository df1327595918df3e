import { KEY_MAP, type KeyGroup, keyName } from "../../keys/keymap.ts";
import { BLANK_LINE, labeledLines, type PageLine, wholeLine } from "./labeled-view.ts";

const LEFT: readonly KeyGroup[] = ["Move", "Panes", "General"];
const RIGHT: readonly KeyGroup[] = ["Log", "Processes"];

/** What is typed into a filter, and what it fits. */
type Syntax = readonly [syntax: string, meaning: string];

const TABLE_FILTER: readonly Syntax[] = [
  [
    "word",
    "Letters of the name in order, a part of the command line, four or more letters that an ID begins with; the best match is selected",
  ],
  ["!word", "Excludes what matches; works before any of these"],
  ["~regex", "A regular expression (RE2) for name or command line"],
  ["state:run", "The beginning of the state"],
  ["project:x", "The beginning of the project's name; so do queue:x and schedule:x"],
  ["k=v", "The label k has the value v, or k=v is in the command line"],
  ["k!=v", "The label k has another value, or is not there"],
  ["label:k", "The label k is there"],
  ["exit:1", "How it ended: a code, a signal as in exit:KILL, or exit:bad for an error"],
  ["a b", "Both must match; case does not matter"],
];

const LOG_FILTER: readonly Syntax[] = [
  ["text", "This text, in searches (/) and filters (&)"],
  ["~regex", "A regular expression (RE2)"],
  ["Capitals", "A capital letter makes case matter"],
];

/** What works wherever text is typed. */
const TYPING: readonly Syntax[] = [
  ["Enter", "Accept"],
  ["Esc", "Cancel, and restore what was there before"],
  ["↑ ↓", "Earlier input; in the table's filter, move the selection"],
  ["Ctrl-P Ctrl-N", "Earlier input, in every field"],
  ["Ctrl-U", "Delete up to the cursor; Ctrl-K from the cursor on, Ctrl-W a word"],
];

/** With `pm ui --mouse`. */
const MOUSE: readonly Syntax[] = [
  ["Click", "Selects a row, sorts by a column, filters by a number of the header, presses a key of the footer"],
  ["Wheel", "Scrolls what is under it"],
];

/** From these widths on the help stands in two columns, and in three. */
const TWO_COLUMNS = 84;
const THREE_COLUMNS = 150;
const LABEL_COLUMNS = 11;
export const HELP_GAP = 2;

function section(
  heading: string,
  entries: readonly (readonly [label: string, text: string])[],
  width: number,
): PageLine[] {
  return [
    wholeLine("heading", heading),
    ...entries.flatMap(([label, text]) => labeledLines(label, text, LABEL_COLUMNS, width)),
  ];
}

function keySection(group: KeyGroup, width: number): PageLine[] {
  const bindings = KEY_MAP.filter((binding) => binding.group === group);
  return section(
    group,
    bindings.map(({ keys, description }) => [keys.map(keyName).join(" "), description]),
    width,
  );
}

function filterSections(width: number): PageLine[][] {
  return [
    section("Filter: the table", TABLE_FILTER, width),
    section("Filter: the log", LOG_FILTER, width),
    section("While typing", TYPING, width),
    section("Mouse, with pm ui --mouse", MOUSE, width),
  ];
}

function joined(sections: readonly (readonly PageLine[])[]): readonly PageLine[] {
  return sections.flatMap((lines, i) => (i > 0 ? [BLANK_LINE, ...lines] : lines));
}

/** The key map and the filters, in as many columns as there is room for. */
export function helpColumns(width: number): {
  readonly width: number;
  readonly columns: readonly (readonly PageLine[])[];
} {
  const count = width < TWO_COLUMNS ? 1 : width < THREE_COLUMNS ? 2 : 3;
  const each = Math.floor((width - (count - 1) * HELP_GAP) / count);
  const left = LEFT.map((group) => keySection(group, each));
  const right = RIGHT.map((group) => keySection(group, each));
  const filters = filterSections(each);
  const [table = [], ...others] = filters;
  const columns = {
    1: [[...left, ...right, ...filters]],
    2: [
      [...left, ...others],
      [...right, table],
    ],
    3: [left, right, filters],
  }[count];
  return { width: each, columns: columns.map(joined) };
}

/** Every line of it, as it is read aloud. */
export function helpSentences(): readonly string[] {
  return [
    ...KEY_MAP.map(({ keys, description }) => `${keys.map(keyName).join(" or ")}: ${description}`),
    ...TABLE_FILTER.map(([syntax, meaning]) => `Filter of the table, ${syntax}: ${meaning}`),
    ...LOG_FILTER.map(([syntax, meaning]) => `Filter of the log, ${syntax}: ${meaning}`),
    ...TYPING.map(([key, meaning]) => `While typing, ${key}: ${meaning}`),
  ];
}
