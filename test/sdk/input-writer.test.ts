/** Input that is written while the daemon goes: each byte once. */
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ProcessManager } from "../../src/sdk/index.ts";
import { InputWriter } from "../../src/terminal/input-writer.ts";
import { contractError, failure, ScriptedDaemon } from "./support/scripted-daemon.ts";

const id = "8d3f4b1e-0d52-4a53-9a3f-3d5f0c6b7a10";
const pending = new Promise<never>(() => {});

/** A process that takes what is written as the contract says, and a daemon that goes when `dies` says so. */
async function reading(
  dies: (data: string) => { readonly taken: number; readonly how: "cut" | "says so" } | undefined,
) {
  let input = "before,";
  let ended = false;
  const daemon: ScriptedDaemon = await ScriptedDaemon.start({
    process: {
      writeInput: async ({ data, inputOffset, close }) => {
        const all = Buffer.from(data).toString("latin1");
        const rest = inputOffset === undefined ? all : all.slice(Math.max(input.length - Number(inputOffset), 0));
        const death = dies(all);
        input += death === undefined ? rest : rest.slice(0, death.taken);
        if (death?.how === "cut") {
          await daemon.die();
          return pending;
        }
        if (death !== undefined) {
          throw contractError(Code.Unavailable, "SHUTTING_DOWN");
        }
        ended ||= close;
        return { inputOffset: BigInt(input.length) };
      },
    },
  });
  const pm = await ProcessManager.connect({
    socket: daemon.socket,
    onUnreachable: async () => {
      await daemon.listen();
      return true;
    },
  });
  return {
    pm,
    input: () => ({ input, ended }),
    async [Symbol.asyncDispose]() {
      pm.close();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

test.each([
  [0, "cut"],
  [2, "cut"],
  [5, "cut"],
  [2, "says so"],
] as const)("a write of which %i bytes arrived before the daemon was gone (%s) is completed", async (taken, how) => {
  let deaths = 0;
  await using process = await reading((data) => (data === "two, " && deaths++ < 2 ? { taken, how } : undefined));
  const writer = new InputWriter(process.pm, id);
  for (const data of ["one, ", "two, ", "three"]) await writer.write(data);
  await writer.write("", { close: true });
  expect(process.input()).toEqual({ input: "before,one, two, three", ended: true });
});

test("the question what there is, and the first piece, too", async () => {
  let deaths = 0;
  await using process = await reading(() => (deaths++ < 2 ? { taken: 0, how: "cut" } : undefined));
  await new InputWriter(process.pm, id).write("one");
  expect(process.input().input).toBe("before,one");
  deaths = 0;
  await using other = await reading((data) => (data === "one" && deaths++ < 1 ? { taken: 1, how: "cut" } : undefined));
  await new InputWriter(other.pm, id, { written: "before,".length }).write("one");
  expect(other.input().input).toBe("before,one");
});

test("what is refused is refused", async () => {
  await using daemon = await ScriptedDaemon.start({
    process: {
      writeInput: () => {
        throw contractError(Code.FailedPrecondition, "INPUT_CLOSED");
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  expect((await failure(new InputWriter(pm, id).write("one"))).reason).toBe("INPUT_CLOSED");
});
