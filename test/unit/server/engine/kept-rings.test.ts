import { describe, expect, test } from "vitest";
import { KeptRings } from "../../../../src/server/engine/run/kept-rings.ts";
import type { Run } from "../../../../src/server/engine/run/run.ts";
import type { Ring } from "../../../../src/server/engine/shim/ring.ts";

/** A ring's file, and what is done with it. */
function world(seq = 2) {
  const file = { seq, published: true, done: false, torn: false };
  const done = { opened: 0, closed: 0, decoded: 0 };
  const run = { view: null, ring: null, ringSeen: -1 } as unknown as Run;
  const open = () => {
    done.opened++;
    let seen = -1;
    return {
      get seen() {
        return seen;
      },
      isAt: (at: number) => at >= 0 && at === file.seq,
      header: () => {
        done.decoded++;
        seen = file.torn || !file.published ? -1 : file.seq;
        return { published: file.published, done: file.done };
      },
      firstOffset: () => 0,
      close: () => {
        done.closed++;
      },
    } as unknown as Ring;
  };
  return { file, done, run, open };
}

/** As `Core.refresh` does. */
function look(rings: KeptRings, { run, open }: ReturnType<typeof world>) {
  const view = rings.look(run, open);
  if (view !== null) run.view = view;
  return view;
}

describe.each([
  ["kept open", 1],
  ["opened for each look", 0],
])("a ring that is %s", (_, most) => {
  test("is decoded again only if it has changed", () => {
    const it = world();
    const rings = new KeptRings(most);
    const first = look(rings, it);
    expect(look(rings, it)).toBe(first);
    expect(it.done.decoded).toBe(1);
    it.file.seq = 4;
    expect(look(rings, it)).not.toBe(first);
    expect(it.done.decoded).toBe(2);
    expect(it.done.opened - it.done.closed).toBe(most);
  });

  test("is decoded each time while it is not consistent, or not published", () => {
    const it = world();
    const rings = new KeptRings(most);
    it.file.torn = true;
    look(rings, it);
    look(rings, it);
    expect(it.done.decoded).toBe(2);
    Object.assign(it.file, { torn: false, published: false });
    expect(look(rings, it)).toBe(null);
    expect(look(rings, it)).toBe(null);
    expect(it.done.decoded).toBe(4);
  });

  test("is decoded anew once it was released", () => {
    const it = world();
    const rings = new KeptRings(most);
    look(rings, it);
    rings.release(it.run);
    expect(it.done.opened - it.done.closed).toBe(0);
    look(rings, it);
    expect(it.done.decoded).toBe(2);
  });

  test("is closed with the last word of its shim", () => {
    const it = world();
    const rings = new KeptRings(most);
    look(rings, it);
    Object.assign(it.file, { seq: 4, done: true });
    look(rings, it);
    expect(it.done.opened - it.done.closed).toBe(0);
  });
});
