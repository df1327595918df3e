import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { isUuid } from "../../../common/contract-rules.ts";
import type { PageRequest, ProcessFilter, ProcessPage } from "../api/list.ts";
import type { ProcessInfo } from "../api/process.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import { compileFilter, selected as selectedBy } from "../process/filter.ts";
import type { ManagedProcess } from "../process/process.ts";

const maxPageSize = 10_000;
const defaultPageSize = 1_000;

/** Looked at in one go, before others get their turn: some 2 ms. */
const batch = 100;

/** One page of the processes that a filter selects. What has not been executed yet is in no list. */
export async function list(core: Core, filter: ProcessFilter, page: PageRequest): Promise<ProcessPage> {
  core.checkOpen();
  const { table } = core;
  const size = page.size > 0 ? Math.min(page.size, maxPageSize) : defaultPageSize;
  const print = fingerprint(filter, page.order);
  const after = page.token === "" ? null : parseToken(page.token, print);
  const isWanted = compileFilter(table, filter);
  const resourceVersion = table.version(table.sequence);
  const selected = selectedBy(table, filter).filter(({ announcedAt }) => announcedAt > 0);
  if (page.order === "createdDescending") selected.reverse();
  const isPast = (process: ManagedProcess) => after === null || follows(process, after, page.order);
  const processes: ProcessInfo[] = [];
  let totalSize = selected.length;
  let last: ManagedProcess | null = null;
  let more = false;
  let looked = 0;
  for (const process of selected) {
    if (!isPast(process)) continue;
    if (!process.current.final && ++looked % batch === 0) {
      await setImmediate();
      core.checkOpen();
    }
    core.refresh(process);
    // What has just been seen to end may not be wanted any more.
    if (process.removed || !isWanted(process)) {
      totalSize--;
      continue;
    }
    const info = table.info(process);
    const fits = page.fits === undefined || page.fits(info);
    more = processes.length === size || (last !== null && !fits);
    if (more) break;
    processes.push(info);
    last = process;
  }
  const nextPageToken = more && last !== null ? makeToken(last, print) : "";
  return { processes, nextPageToken, resourceVersion, totalSize };
}

interface Place {
  readonly sequence: number;
  readonly id: string;
}

function follows(process: ManagedProcess, place: Place, order: PageRequest["order"]): boolean {
  const by = process.sequence - place.sequence || (process.id < place.id ? -1 : process.id > place.id ? 1 : 0);
  return order === "created" ? by > 0 : by < 0;
}

function makeToken({ sequence, id }: Place, print: string): string {
  return Buffer.from(`${sequence}/${id}/${print}`).toString("base64url");
}

function parseToken(token: string, expected: string): Place {
  const [sequence, id, print, ...rest] = Buffer.from(token, "base64url").toString("latin1").split("/");
  const valid =
    sequence !== undefined && /^\d{1,16}$/.test(sequence) && id !== undefined && isUuid(id) && rest.length === 0;
  if (!valid || print !== expected) {
    throw new EngineError(
      "PAGE_TOKEN_INVALID",
      "the page token is malformed or belongs to another query: use the one of the page before, with the same filter",
    );
  }
  return { sequence: Number(sequence), id };
}

function fingerprint(filter: ProcessFilter, order: string): string {
  const { labels } = filter;
  const fields = { ...filter, labels: labels.map(({ key, op, value }) => [key, op, value]), order };
  const text = JSON.stringify(fields, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}
