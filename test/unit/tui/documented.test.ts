/** What docs/architecture.md says of the settings file is what there is. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ALERTS, LAYOUTS } from "../../../src/tui/state/settings/settings.ts";
import { COLUMN_KEYS, isOptional } from "../../../src/tui/state/table/columns.ts";
import { SORT_KEYS } from "../../../src/tui/state/table/sort.ts";
import { THEME_NAMES } from "../../../src/tui/themes/themes.ts";

const text = readFileSync(join(import.meta.dirname, "../../../docs/architecture.md"), "utf8");

test.each([
  ["`theme`", THEME_NAMES],
  ["`sort`, `reversed`", SORT_KEYS],
  ["`layout`", LAYOUTS],
  ["`hiddenColumns`", COLUMN_KEYS.filter(isOptional)],
  ["`alert`", ALERTS],
])("the field %s takes just what is documented", (field, values) => {
  const row = text.split("\n").find((line) => line.startsWith(`| ${field} |`)) ?? "";
  const documented = [...row.slice(field.length + 4).matchAll(/`([a-z]+)`/g)].map(([, value]) => value);
  expect(documented.toSorted()).toEqual([...values].toSorted());
});
