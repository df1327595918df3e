import { expect, test } from "vitest";
import { ProcessInput } from "../../../src/cli/input.ts";
import { PmError, type WriteOptions } from "../../../src/sdk/index.ts";

/** What shims count, behind daemons of which some die before they could answer. */
class Daemons {
  input = "";
  closed = false;
  dying: ("DISCONNECTED" | "SHUTTING_DOWN" | "INPUT_CLOSED")[] = [];
  /** How much of a write is taken by a daemon that dies. */
  taken = 0;

  readonly write = async (data: string | Uint8Array, { close = false, inputOffset }: WriteOptions = {}) => {
    const text = Buffer.from(data).toString();
    const rest = inputOffset === undefined ? text : text.slice(Math.min(text.length, this.input.length - inputOffset));
    const end = this.dying.shift();
    this.input += end === undefined ? rest : rest.slice(0, this.taken);
    if (end !== undefined) throw new PmError(end, end, { code: "unavailable" });
    this.closed ||= close;
    return { inputOffset: this.input.length };
  };
}

test.for([0, 2, 5])("what was cut off after %i bytes is written once", async (taken) => {
  const daemons = new Daemons();
  daemons.input = "before ";
  daemons.taken = taken;
  const input = new ProcessInput(daemons.write);
  await input.write("one ");
  // Whoever else writes meanwhile.
  await daemons.write("more ");
  await input.write("two ");
  for (const end of ["DISCONNECTED", "SHUTTING_DOWN"] as const) {
    daemons.dying = [end];
    await input.write("three");
  }
  daemons.dying = ["DISCONNECTED"];
  daemons.taken = 0;
  await input.write("", { close: true });
  expect(daemons).toMatchObject({ input: "before one more two threethree", closed: true });
});

test("what the process refuses is not tried again", async () => {
  const daemons = new Daemons();
  const input = new ProcessInput(daemons.write, 0);
  daemons.dying = ["INPUT_CLOSED"];
  await expect(input.write("x")).rejects.toMatchObject({ reason: "INPUT_CLOSED" });
  expect(daemons.input).toBe("");
});
