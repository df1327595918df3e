import { expect, onTestFinished, test } from "vitest";
import type { ProcessManager } from "../../../../src/sdk/manager.ts";
import type { WatchEvent } from "../../../../src/sdk/types.ts";
import { DaemonSubscription } from "../../../../src/tui/control/daemon-subscription.ts";
import { Store } from "../../../../src/tui/control/store.ts";
import { initialState } from "../../../../src/tui/state/state.ts";
import { processInfo } from "../../../support/process-info.ts";

function newStore(): Store {
  const state = initialState({
    columns: 80,
    rows: 24,
    endpoint: "",
    context: "",
    contexts: [],
    theme: "ocean",
    now: 0,
  });
  const store = new Store(
    state,
    () => {},
    () => {},
    () => {},
  );
  onTestFinished(() => store.close());
  return store;
}

/** A daemon with one process, which says no more after that. */
function daemonWith(id: string): { manager: ProcessManager; watched: Promise<void> } {
  const { promise: watched, resolve } = Promise.withResolvers<void>();
  async function* watch({ signal }: { signal: AbortSignal }): AsyncGenerator<WatchEvent> {
    yield { type: "reset" };
    yield { type: "added", process: processInfo(id) };
    yield { type: "bookmark", resourceVersion: "1" };
    resolve();
    await new Promise((ended) => signal.addEventListener("abort", ended));
  }
  const info = async () => ({ hostname: id, version: "", pid: 1 });
  return { manager: { daemon: { info }, processes: { watch } } as unknown as ProcessManager, watched };
}

test("what a daemon has said that is left is not shown as another one's", async () => {
  const store = newStore();
  const before = daemonWith("before");
  const link = new DaemonSubscription(before.manager, store);
  link.open();
  await before.watched;
  // Its events wait for the next frame.
  link.close();
  store.dispatch({ type: "connecting", endpoint: "unix:///another", context: "another" });
  await store.nextFrame();
  expect([...store.state.table.processes.values()]).toEqual([]);

  const after = daemonWith("after");
  const next = new DaemonSubscription(after.manager, store);
  onTestFinished(() => next.close());
  next.open();
  await after.watched;
  await store.nextFrame();
  expect(store.state.table.order).toEqual(["after"]);
});
