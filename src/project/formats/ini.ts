import { type Place, ProjectFileError } from "../yaml/tree.ts";

export interface Section {
  readonly name: string;
  readonly place: Place;
  readonly values: ReadonlyMap<string, { readonly text: string; readonly place: Place }>;
}

/**
 * The sections of an INI file as supervisord reads it: "key = value" or
 * "key: value", indented lines go on with the value before, ";" and "#" at the
 * beginning of a line and " ;" within one begin comments.
 *
 * @throws ProjectFileError
 */
export function parseIni(text: string, file: string): readonly Section[] {
  const sections: { name: string; place: Place; values: Map<string, { text: string; place: Place }> }[] = [];
  let last: { text: string; place: Place } | undefined;
  for (const [index, line] of text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    const place: Place = { file, line: index + 1, column: 1 + line.length - line.trimStart().length };
    const content = line.replace(/\s+;.*$/, "").trimEnd();
    if (content.trim() === "" || /^\s*[;#]/.test(line)) {
      continue;
    }
    const [, section] = /^\[(.+)\]\s*$/.exec(content) ?? [];
    const [, key = "", value = ""] = /^([^\s=:[][^=:]*?)\s*[=:]\s*(.*)$/.exec(content) ?? [];
    const current = sections.at(-1);
    if (section !== undefined) {
      sections.push({ name: section.trim(), place, values: new Map() });
      last = undefined;
    } else if (/^\s/.test(content) && last !== undefined) {
      last.text = `${last.text}\n${content.trim()}`;
    } else if (key !== "" && current !== undefined) {
      last = { text: value, place };
      current.values.set(key.toLowerCase(), last);
    } else {
      const message = current === undefined && key !== "" ? "this stands before any [section]" : "expected KEY = VALUE";
      throw new ProjectFileError([{ place, message }]);
    }
  }
  return sections;
}
