/** The order in which processes that depend on one another begin and end. Pure. */

/** For each name, what it depends on. What is no key is outside and has no dependencies. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/**
 * The names around a cycle, the first one again at the end; undefined if there
 * is none. The cycle begins with the name that comes first in the graph.
 */
export function findCycle(graph: Graph): readonly string[] | undefined {
  const done = new Set<string>();
  for (const start of graph.keys()) {
    const cycle = cycleFrom(graph, start, done);
    if (cycle !== undefined) {
      return cycle;
    }
  }
  return undefined;
}

/** Depth first, on a stack of its own: a chain of a thousand is no reason to run out of the engine's. */
function cycleFrom(graph: Graph, start: string, done: Set<string>): readonly string[] | undefined {
  const path: string[] = [];
  const onPath = new Set<string>();
  const stack: Array<{ name: string; next: number }> = [];
  const enter = (name: string) => {
    path.push(name);
    onPath.add(name);
    stack.push({ name, next: 0 });
  };
  if (!done.has(start)) {
    enter(start);
  }
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const target = graph.get(top.name)?.[top.next++];
    if (target === undefined) {
      done.add(top.name);
      onPath.delete(top.name);
      path.pop();
      stack.pop();
    } else if (onPath.has(target)) {
      return [...path.slice(path.indexOf(target)), target];
    } else if (!done.has(target) && graph.has(target)) {
      enter(target);
    }
  }
  return undefined;
}

/**
 * The names of the graph in levels: each depends only on levels before its own.
 * Within a level the order is the graph's.
 *
 * @throws Error if there is a cycle
 */
export function startOrder(graph: Graph): readonly (readonly string[])[] {
  const left = new Map([...graph].map(([name, targets]) => [name, targets.filter((target) => graph.has(target))]));
  const placed = new Set<string>();
  const levels: string[][] = [];
  while (left.size > 0) {
    const level = [...left]
      .filter(([, targets]) => targets.every((target) => placed.has(target)))
      .map(([name]) => name);
    if (level.length === 0) {
      throw new Error(`a cycle of dependencies: ${findCycle(graph)?.join(", ")}`);
    }
    for (const name of level) {
      left.delete(name);
      placed.add(name);
    }
    levels.push(level);
  }
  return levels;
}

/** The levels in which they are stopped: what depends on others first. Cycles are stopped last, all at once. */
export function stopOrder(graph: Graph): readonly (readonly string[])[] {
  if (findCycle(graph) === undefined) {
    return startOrder(graph).toReversed();
  }
  const cyclic = new Set<string>();
  let rest = new Map(graph);
  for (let cycle = findCycle(rest); cycle !== undefined; cycle = findCycle(rest)) {
    for (const name of cycle) {
      cyclic.add(name);
    }
    rest = new Map([...rest].filter(([name]) => !cyclic.has(name)));
  }
  return [...startOrder(rest).toReversed(), [...cyclic]];
}

/** These names and all they depend on, directly or not, as far as the graph knows them. */
export function closure(graph: Graph, names: Iterable<string>): ReadonlySet<string> {
  const reached = new Set<string>();
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const targets = graph.get(name);
    if (targets !== undefined && !reached.has(name)) {
      reached.add(name);
      waiting.push(...targets);
    }
  }
  return reached;
}
