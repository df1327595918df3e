/** Options that there are not, and references that people type. */
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ProcessManager } from "../../src/sdk/index.ts";
import { contractError, failure, runningProcess, ScriptedDaemon } from "./support/scripted-daemon.ts";

const ids = [
  "abcd0000-0d52-4a53-9a3f-3d5f0c6b7a10",
  "abcd1111-0d52-4a53-9a3f-3d5f0c6b7a10",
  "12345678-0d52-4a53-9a3f-3d5f0c6b7a10",
] as const;

test("an option that there is not is refused before anything is sent (C21)", async () => {
  const missing = { socket: "/nonexistent/pm.sock" };
  const pm = await ProcessManager.connect(missing);
  // Each as somebody without types would write it.
  const wrong: readonly (readonly [string, string, () => unknown])[] = [
    ["host", "", () => ProcessManager.connect({ host: "https://h" } as object)],
    ["tls.cacert", "", () => ProcessManager.connect({ tls: { cacert: "x" } } as object)],
    ["labls", 'did you mean "labels"?', () => pm.processes.start({ executable: "x", labls: {} } as never)],
    ["output.limit", "", () => pm.processes.start({ executable: "x", output: { limit: 1 } } as never)],
    ["spec.exe", "", () => pm.processes.restart("x", { spec: { executable: "x", exe: "y" } } as never)],
    ["grace", 'did you mean "graceMs"?', () => pm.processes.stop("x", { grace: 1 } as never)],
    ["filtr", 'did you mean "filter"?', () => pm.processes.prune({ filtr: {} } as never)],
    ["filter.selectr", 'did you mean "selector"?', () => pm.processes.list({ filter: { selectr: "a" } } as never)],
    ["filter.selectr", "", () => pm.processes.removeAll({ selectr: "a" } as never)],
    ["filter.stats", "", () => pm.processes.outputs({ stats: [] } as never)],
    ["folow", "", () => pm.processes.stream("x", { folow: true } as never)],
    ["ongap", "", () => pm.processes.stream("x").bytes({ ongap: () => {} } as never)],
    ["start.line", "", () => pm.processes.output("x", { start: { line: 1 } } as never)],
    ["since", "", () => pm.events.stream({ since: 1 } as never)],
    ["stop", "", () => pm.daemon.shutdown({ stop: true } as never)],
    ["toString", "", () => pm.processes.get("x", { toString: 1 } as never)],
  ];
  for (const [field, hint, call] of wrong) {
    const error = await failure((async () => call())());
    expect(error).toMatchObject({ reason: "INVALID_ARGUMENT", metadata: { field } });
    expect(error.message).toBe(`there is no option "${field}"`);
    expect(error.hint).toContain(hint);
  }
});

test("a prefix is resolved with one call, and nothing else needs one", async () => {
  const filters: unknown[] = [];
  await using daemon = await ScriptedDaemon.start({
    process: {
      listProcesses: ({ filter }) => {
        filters.push([filter?.idPrefixes, filter?.names]);
        const prefixes = filter?.idPrefixes ?? [];
        return {
          processes: [
            ...ids.map((id) => runningProcess(id)),
            { ...runningProcess("99999999-0d52-4a53-9a3f-3d5f0c6b7a10"), name: "cafe" },
          ].filter(
            ({ id, name }) => prefixes.some((prefix) => id?.startsWith(prefix)) || filter?.names.includes(name ?? ""),
          ),
        };
      },
      getProcess: ({ process }) => {
        throw contractError(Code.NotFound, "PROCESS_NOT_FOUND", { id: process?.ref.value ?? "", suggestion: "face" });
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const { processes } = pm;
  expect(await processes.resolve(ids[0].toUpperCase())).toBe(ids[0]);
  expect(await processes.resolve("web-1")).toBe("web-1");
  expect(filters).toEqual([]);

  expect(await processes.resolveAll(["12345", "ABCD0", "cafe", "web", "1234"])).toEqual([
    ids[2],
    ids[0],
    "cafe",
    "web",
    ids[2],
  ]);
  expect(filters).toEqual([
    [
      ["12345", "abcd0", "cafe", "1234"],
      ["ABCD0", "cafe"],
    ],
  ]);

  expect(await failure(processes.resolve("abcd"))).toMatchObject({
    reason: "PROCESS_AMBIGUOUS",
    metadata: { id: "abcd", candidates: `${ids[0]},${ids[1]}` },
    hint: `candidates: ${ids[0]}, ${ids[1]}`,
  });
  expect(await failure(processes.resolve("9876"))).toMatchObject({
    reason: "PROCESS_NOT_FOUND",
    message: "no process has an id that begins with 9876",
  });
  // It may have been meant for a name: the daemon knows similar ones.
  expect(await failure(processes.resolve("fade"))).toMatchObject({
    reason: "PROCESS_NOT_FOUND",
    hint: 'did you mean "face"?',
  });
});
