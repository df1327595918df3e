/** What the contract's comments say about errors, compared with what the daemon does. */
import { readFileSync } from "node:fs";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ErrorReasonSchema } from "../../gen/ts/pm/v1/errors_pb.ts";
import { codeOf, type Reason } from "../../src/server/rpc/reasons.ts";

const proto = readFileSync("proto/pm/v1/errors.proto", "utf8");
const reasons = ErrorReasonSchema.values.slice(1).map(({ name }) => name.replace("ERROR_REASON_", "") as Reason);

/** The comment of a reason, in one line. */
function commentOf(reason: Reason): string {
  const [, text = ""] = new RegExp(`((?: *//.*\\n)+) *ERROR_REASON_${reason} = `).exec(proto) ?? [];
  return text.replaceAll(/\n? *\/\/ ?/g, " ");
}

test.each(reasons)("%s has the code that its comment names", (reason) => {
  const word = Code[codeOf(reason, {})].replaceAll(/(?<=.)([A-Z])/g, "_$1").toUpperCase();
  expect(commentOf(reason)).toMatch(new RegExp(`\\b${word}[.;]`));
});
