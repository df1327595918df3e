import fc from "fast-check";
import { expect, test } from "vitest";
import { PersistentMap } from "../../../../../src/tui/state/table/persistent-map.ts";

test("what was edited is a new map, and the original is as it was", () => {
  const editor = new PersistentMap<number>().edit();
  editor.set("a", 1);
  editor.set("b", 2);
  const original = editor.done();
  const edit = original.edit();
  edit.set("a", 3);
  edit.delete("b");
  edit.delete("c");
  expect(edit.get("a")).toBe(3);
  const edited = edit.done();
  expect([edited.size, edited.get("a"), edited.has("b")]).toEqual([1, 3, false]);
  expect([original.size, original.get("a"), original.get("b")]).toEqual([2, 1, 2]);
  expect(edited.edit().done()).toBe(edited);
});

test("is a map, whatever is set and deleted", () => {
  // Few keys, some of which share a bucket: only the last characters choose it.
  const key = fc.constantFrom("a", "b", "1-same", "2-same", "3-same", "");
  const step = fc.record({ key, value: fc.option(fc.integer()) });
  fc.assert(
    fc.property(fc.array(fc.array(step)), (batches) => {
      const model = new Map<string, number>();
      let map = new PersistentMap<number>();
      for (const batch of batches) {
        const editor = map.edit();
        for (const { key, value } of batch) {
          if (value === null) {
            editor.delete(key);
            model.delete(key);
          } else {
            editor.set(key, value);
            model.set(key, value);
          }
        }
        map = editor.done();
        expect(map.size).toBe(model.size);
        expect([...map.values()].sort()).toEqual([...model.values()].sort());
        for (const [key, value] of model) {
          expect(map.get(key)).toBe(value);
        }
      }
    }),
  );
});
