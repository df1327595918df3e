import { createHash } from "node:crypto";
import { type Message, toBinary } from "@bufbuild/protobuf";
import { file_pm_v1_process_service } from "../../../../../gen/ts/pm/v1/process_service_pb.ts";
import type { RequestContext } from "../../../engine/api/control.ts";
import { EngineError } from "../../../engine/errors.ts";

const hourMs = 3_600_000;
const maxRequests = 10_000;
const maxIds = 1_000_000;

interface Selection {
  readonly fingerprint: string;
  readonly ids: readonly string[];
  readonly time: number;
}

/**
 * What calls by filter with a request id selected, so that the same request
 * again is about the same processes, and not about others that fit its filter
 * by then. Kept for an hour, of the last 10,000 requests.
 */
export class RememberedSelections {
  readonly #byRequest = new Map<string, Selection>();
  readonly #now: () => number;
  #ids = 0;

  /** @param now a monotonic clock in milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** @throws EngineError REQUEST_ID_REUSED if another request had this id */
  select(
    request: Message,
    { principal, requestId }: RequestContext,
    select: () => readonly string[],
  ): readonly string[] {
    if (requestId === "") {
      return select();
    }
    this.#drop(({ time }) => this.#now() - time >= hourMs);
    const key = `${principal} ${requestId}`;
    const fingerprint = fingerprintOf(request);
    const known = this.#byRequest.get(key);
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint) {
        throw new EngineError("REQUEST_ID_REUSED", "this request id was used for another request", {
          request_id: requestId,
        });
      }
      return known.ids;
    }
    const ids = select();
    this.#byRequest.set(key, { fingerprint, ids, time: this.#now() });
    this.#ids += ids.length;
    this.#drop(() => this.#byRequest.size > maxRequests || this.#ids > maxIds);
    return ids;
  }

  /** In order of insertion: the first is the oldest. */
  #drop(isDue: (oldest: Selection) => boolean): void {
    for (const [key, selection] of this.#byRequest) {
      if (!isDue(selection)) {
        return;
      }
      this.#byRequest.delete(key);
      this.#ids -= selection.ids.length;
    }
  }
}

function fingerprintOf(request: Message): string {
  const desc = file_pm_v1_process_service.messages.find(({ typeName }) => typeName === request.$typeName);
  if (desc === undefined) {
    throw new Error(`${request.$typeName} is no request of the process service`);
  }
  return `${desc.name} ${createHash("sha256").update(toBinary(desc, request)).digest("base64")}`;
}
