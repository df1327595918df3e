import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { type Source, Store } from "../../../../src/tui/control/store.ts";
import type { Action, Effect } from "../../../../src/tui/state/action.ts";
import { initialState } from "../../../../src/tui/state/state.ts";

function newStore(): { store: Store; effects: Effect[]; drawn: number[] } {
  const effects: Effect[] = [];
  /** The clock of the state at each frame. */
  const drawn: number[] = [];
  const options = { columns: 80, rows: 24, endpoint: "", context: "", contexts: [], theme: "ocean", now: 0 };
  const store: Store = new Store(
    initialState(options),
    (effect) => effects.push(effect),
    () => drawn.push(store.state.now),
    () => {},
  );
  onTestFinished(() => store.close());
  return { store, effects, drawn };
}

/** Counts up the clock each time that it is asked. */
function clock(): Source & { drained: number } {
  return {
    drained: 0,
    drain(): Action {
      this.drained++;
      return { type: "tick", now: this.drained };
    },
  };
}

const key = (name: string): Action => ({ type: "input", event: { type: "key", key: name } });

test("however often a source has news, it is asked once a frame", async () => {
  const { store, drawn } = newStore();
  const source = clock();
  for (let round = 1; round <= 3; round++) {
    for (let i = 0; i < 100; i++) {
      store.post(source);
    }
    await store.nextFrame();
    expect([source.drained, drawn.at(-1)]).toEqual([round, round]);
  }
});

test("keys are drawn at the next turn, those that come together once; their effects are carried out at once", async () => {
  const { store, effects, drawn } = newStore();
  await store.nextFrame();
  const frames = drawn.length;
  store.dispatch(key("?"));
  store.dispatch(key("escape"));
  store.dispatch(key("q"));
  expect([effects, drawn.length]).toEqual([[{ type: "quit" }], frames]);
  await turn();
  expect(drawn.length).toBe(frames + 1);
});

test("what changes nothing is not drawn", async () => {
  const { store, drawn } = newStore();
  await store.nextFrame();
  const frames = drawn.length;
  store.dispatch(key("f12"));
  await turn();
  expect(drawn.length).toBe(frames);
});

test("who waits for a frame is let go when there will be none", async () => {
  const { store, drawn } = newStore();
  const waiting = store.nextFrame();
  store.close();
  await waiting;
  store.dispatch(key("?"));
  await turn();
  expect(drawn).toEqual([]);
});
