/** From what people type to references: prefixes of ids exist for them alone. */
import { isIdPrefix, isName, isUuid } from "../../common/contract-rules.ts";
import type { Client } from "../call/client.ts";
import { PmError } from "../errors.ts";
import { refToJson } from "../json/requests.ts";
import { pageFromJson } from "../json/responses.ts";
import type { CallOptions, ProcessInfo } from "../types.ts";

const maxCandidates = 10;
/** Prefixes that one request may ask for. */
const maxPrefixes = 1000;

/** See `Processes.resolve`. One call for all of them, none if none can be a prefix. */
export async function resolveReferences(
  client: Client,
  texts: readonly string[],
  options: CallOptions,
): Promise<string[]> {
  const prefixes = [...new Set(texts.filter((text) => isIdPrefix(text)))];
  const found: ProcessInfo[] = [];
  for (let at = 0; at < prefixes.length; at += maxPrefixes) {
    found.push(...(await processesBy(client, prefixes.slice(at, at + maxPrefixes), options)));
  }
  const resolved: string[] = [];
  for (const text of texts) {
    resolved.push(
      isIdPrefix(text) ? await choose(client, text, found, options) : isUuid(text) ? text.toLowerCase() : text,
    );
  }
  return resolved;
}

/** The processes that any of the prefixes fits, or that have one for a name. */
async function processesBy(client: Client, prefixes: readonly string[], options: CallOptions): Promise<ProcessInfo[]> {
  const names = prefixes.filter(isName);
  const filter = {
    idPrefixes: prefixes.map((prefix) => prefix.toLowerCase()),
    ...(names.length > 0 && { names }),
  };
  const processes: ProcessInfo[] = [];
  let pageToken: string | undefined;
  do {
    const request = { filter, ...(pageToken !== undefined && { pageToken }) };
    const kind = { what: "resolving a prefix" };
    const page = pageFromJson(await client.unary("pm.v1.ProcessService/ListProcesses", request, options, kind));
    processes.push(...page.processes);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return processes;
}

/** A name wins over a prefix. */
async function choose(
  client: Client,
  text: string,
  found: readonly ProcessInfo[],
  options: CallOptions,
): Promise<string> {
  if (found.some(({ name }) => name === text)) {
    return text;
  }
  const prefix = text.toLowerCase();
  const fitting = found.filter(({ id }) => id.startsWith(prefix)).map(({ id }) => id);
  const [first] = fitting;
  if (first === undefined) {
    if (!isName(text)) {
      throw new PmError("PROCESS_NOT_FOUND", `no process has an id that begins with ${text}`, {
        code: "not_found",
        metadata: { id: text },
      });
    }
    // The daemon knows similar names.
    const kind = { what: `looking for ${text}` };
    await client.unary("pm.v1.ProcessService/GetProcess", { process: refToJson(text) }, options, kind);
    return text;
  }
  if (fitting.length === 1) {
    return first;
  }
  throw new PmError("PROCESS_AMBIGUOUS", `${fitting.length} processes have ids that begin with ${text}`, {
    code: "invalid_argument",
    metadata: { id: text, candidates: fitting.slice(0, maxCandidates).join(",") },
  });
}
