/** The dashboard's house: who may import whom, and that nothing goes in a circle. Types count, too. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../../src/tui");

/** Each file with what it imports of the dashboard, as paths below `src/tui`. */
const imports = new Map(
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => {
      const text = readFileSync(join(root, path), "utf8");
      const targets = [...text.matchAll(/(?:from|import) ?\(?"(\.[^"]+)"/g)].map(([, target = ""]) =>
        relative(root, resolve(root, dirname(path), target)),
      );
      return [path, targets.filter((target) => !target.startsWith(".."))] as const;
    }),
);

/** Whom the files of a folder may import, besides each other. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  keys: [],
  terminal: [],
  text: ["terminal"],
  themes: ["terminal"],
  "state/toasts": ["text", "terminal"],
  "state/table": ["text", "terminal"],
  "state/settings": ["state/table"],
  "state/log": ["keys", "text", "terminal", "state/toasts"],
  "state/overlays": [
    "keys",
    "text",
    "terminal",
    "themes",
    "state/toasts",
    "state/table",
    "state/log",
    "state/settings",
  ],
  state: [
    "keys",
    "text",
    "terminal",
    "themes",
    "state/toasts",
    "state/table",
    "state/log",
    "state/settings",
    "state/overlays",
  ],
  paint: [
    "text",
    "terminal",
    "themes",
    "keys",
    "state",
    "state/toasts",
    "state/table",
    "state/log",
    "state/settings",
    "state/overlays",
  ],
  views: [
    "text",
    "terminal",
    "themes",
    "keys",
    "state",
    "state/toasts",
    "state/table",
    "state/log",
    "state/settings",
    "state/overlays",
  ],
};

test.each(Object.entries(ALLOWED))("%s imports only what stands below it", (folder, allowed) => {
  expect([...imports.keys()].some((path) => dirname(path) === folder)).toBe(true);
  const wrong = [...imports].flatMap(([path, targets]) =>
    dirname(path) === folder
      ? targets
          .filter((target) => dirname(target) !== folder && !allowed.includes(dirname(target)))
          .map((target) => `${path} -> ${target}`)
      : [],
  );
  expect(wrong).toEqual([]);
});

test("no file imports itself by way of others", () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) {
      circles.push([...way.slice(way.indexOf(path)), path].join(" -> "));
    } else if (!done.has(path)) {
      for (const target of imports.get(path) ?? []) {
        visit(target, [...way, path]);
      }
      done.add(path);
    }
  };
  for (const path of imports.keys()) {
    visit(path, []);
  }
  expect(circles).toEqual([]);
});
