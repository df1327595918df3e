import type { ListedCertificate } from "../../admin/index.ts";
import { escapeText } from "../../common/escape.ts";
import { ExitCode } from "../../common/exit-codes.ts";
import { expiresSoonMs } from "../../pki/expiry.ts";
import { withAdmin } from "../admin.ts";
import { defineCommand } from "../command.ts";
import { painter } from "../output/color.ts";
import { jsonLine, outputOption, prettyJson } from "../output/format.ts";
import { type Cell, renderTable } from "../output/table.ts";

const dayMs = 86_400_000;

export const command = defineCommand({
  summary: "Show the certificates of the daemon and the contexts, and when they expire",
  description: "With FILEs, the certificates in them instead. Warns about those that expire soon.",
  options: { output: outputOption("table", "json", "jsonl") },
  exitCodes: [["1", "a file cannot be used"]],
  examples: [
    ["pm cert", "those in use here"],
    ["pm cert server.crt", "those in a file"],
    ["pm cert -o json | jq -r '.[] | [.file, .certificate.notAfter] | @tsv'", "for a monitor"],
  ],
  operands: { usage: "[FILE...]", min: 0, complete: "file" },
  async run({ options, operands, globals, caller }) {
    const listed = await withAdmin((admin) => admin.listCertificates(operands, caller.env));
    if (options.output === "json") {
      caller.print(prettyJson(listed));
    } else if (options.output === "jsonl") {
      caller.print(listed.map(jsonLine).join(""));
    } else if (listed.length === 0) {
      caller.note(
        "pm: there are no certificates: neither the daemon's configuration nor a context names one\nhint: 'pm init' makes them\n",
      );
    } else {
      const titles = ["USE", "SUBJECT", "ISSUER", "FOR", "EXPIRES", "FILE"];
      caller.print(renderTable(titles, listed.map(rowOf), { paint: painter(caller, globals) }));
    }
    for (const { certificate, file, problem } of listed) {
      if (problem !== undefined) {
        caller.note(`pm: ${escapeText(file)}: ${escapeText(problem)}\n`);
      }
      const leftMs = certificate === undefined ? Infinity : certificate.notAfter.getTime() - Date.now();
      if (leftMs < expiresSoonMs) {
        caller.note(
          `pm: ${escapeText(file)}: ${leftMs < 0 ? "has expired" : `expires in ${Math.floor(leftMs / dayMs)} days`}\n`,
        );
      }
    }
    return listed.some(({ problem }) => problem !== undefined) ? ExitCode.failure : ExitCode.ok;
  },
});

function rowOf({ use, file, certificate, problem }: ListedCertificate): Cell[] {
  const cell = (text: string): Cell => ({ text: escapeText(text) });
  if (certificate === undefined) {
    return [cell(use), { text: escapeText(problem ?? ""), style: "red" }, cell(""), cell(""), cell(""), cell(file)];
  }
  const { subject, issuer, hosts, authority, usages, notAfter } = certificate;
  const purpose = authority ? "signing" : hosts.length > 0 ? hosts.join(",") : usages.join(",");
  return [cell(use), cell(subject), cell(issuer), cell(purpose), expiry(notAfter), cell(file)];
}

function expiry(date: Date): Cell {
  const days = Math.floor((date.getTime() - Date.now()) / dayMs);
  const day = date.toISOString().slice(0, 10);
  if (days < 0) {
    return { text: `${day} (expired)`, style: "red" };
  }
  return { text: `${day} (${days} days)`, ...(days * dayMs < expiresSoonMs && { style: "yellow" as const }) };
}
