import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closure, findCycle, startOrder, stopOrder } from "../../src/common/dependency-graph.ts";

const graph = (edges: Record<string, readonly string[]>) => new Map(Object.entries(edges));

describe("dependencies", () => {
  it.each([
    [{ a: [] }, undefined],
    [{ a: ["b"], b: ["c"], c: [] }, undefined],
    [{ a: ["a"] }, ["a", "a"]],
    [{ a: ["b"], b: ["a"] }, ["a", "b", "a"]],
    [{ x: ["a"], a: ["b"], b: ["c"], c: ["a"] }, ["a", "b", "c", "a"]],
    [{ a: ["outside"], b: ["a", "outside"] }, undefined],
    [{ a: ["c", "b"], b: ["d"], c: ["d"], d: [] }, undefined],
  ])("the cycle of %o is %o", (edges, cycle) => {
    expect(findCycle(graph(edges))).toEqual(cycle);
  });

  it("begin in levels and end in reverse", () => {
    const web = graph({ web: ["db", "migrate"], worker: ["db"], migrate: ["db"], db: [], cache: ["elsewhere"] });
    const levels = [["db", "cache"], ["worker", "migrate"], ["web"]];
    expect(startOrder(web)).toEqual(levels);
    expect(stopOrder(web)).toEqual(levels.toReversed());
  });

  it("name the cycle when there is no order, and are stopped all the same", () => {
    const cyclic = graph({ a: ["b"], b: ["c"], c: ["a"], d: ["a"] });
    expect(() => startOrder(cyclic)).toThrow("a, b, c, a");
    expect(stopOrder(cyclic)).toEqual([["d"], ["a", "b", "c"]]);
  });

  it("reach what is needed, through cycles too", () => {
    const web = graph({ web: ["db"], db: [], worker: ["db"], a: ["b"], b: ["a"] });
    expect([...closure(web, ["web"])].sort()).toEqual(["db", "web"]);
    expect([...closure(web, ["a"])].sort()).toEqual(["a", "b"]);
  });

  it("may be a chain of 20,000", () => {
    const chain = new Map(Array.from({ length: 20_000 }, (_, i) => [`p${i}`, i === 0 ? [] : [`p${i - 1}`]]));
    expect(findCycle(chain)).toBeUndefined();
    chain.set("p0", ["p19999"]);
    expect(findCycle(chain)).toHaveLength(20_001);
  });

  it("are in order exactly when there is no cycle", () => {
    const names = ["a", "b", "c", "d", "e"];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.uniqueArray(fc.constantFrom(...names))), (edges) => {
        const given = graph(edges);
        const cycle = findCycle(given);
        if (cycle === undefined) {
          const order = startOrder(given).flat();
          expect(order.toSorted()).toEqual(Object.keys(edges).sort());
          for (const [name, targets] of given) {
            for (const target of targets.filter((other) => given.has(other))) {
              expect(order.indexOf(target)).toBeLessThan(order.indexOf(name));
            }
          }
        } else {
          expect(cycle[0]).toBe(cycle.at(-1));
          for (const [i, name] of cycle.slice(0, -1).entries()) {
            expect(given.get(name)).toContain(cycle[i + 1]);
          }
          expect(stopOrder(given).flat().toSorted()).toEqual(Object.keys(edges).sort());
        }
      }),
    );
  });
});
