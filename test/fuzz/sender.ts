/** Sends what the fuzzer makes, to one listener or several. */
import { type ClientHttp2Session, constants } from "node:http2";
import type { Socket } from "node:net";
import { basic } from "../listen/serve-tls.ts";
import type { FuzzCase } from "./cases.ts";

/** How long a response to bytes is waited for: most get none. */
const patienceMs = 15;
/** How long any request may take that the daemon does not mean to keep open. */
const answerMs = 2000;
export interface Target {
  readonly name: string;
  readonly open: () => Socket;
  readonly session: () => ClientHttp2Session;
}

/** Resolves to how many cases were sent. */
export async function sendAll(
  targets: readonly Target[],
  cases: Iterable<FuzzCase>,
  { concurrency, everyThousand }: { readonly concurrency: number; readonly everyThousand: () => Promise<void> },
): Promise<number> {
  let sent = 0;
  const worker = async (index: number) => {
    const sender = new Sender(targets[index % targets.length] as Target);
    try {
      for (const fuzzed of cases) {
        await sender.send(fuzzed);
        if (++sent % 1000 === 0) {
          await everyThousand();
        }
      }
    } finally {
      sender.close();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, index) => worker(index)));
  return sent;
}

/** Sends one case and takes what comes back. */
class Sender {
  readonly #target: Target;
  #session: ClientHttp2Session | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  async send(fuzzed: FuzzCase): Promise<void> {
    return fuzzed.kind === "bytes" ? this.#sendBytes(fuzzed.writes) : this.#sendRequest(fuzzed);
  }

  close(): void {
    this.#session?.destroy();
  }

  #sendBytes(writes: readonly Uint8Array[]): Promise<void> {
    const socket = this.#target.open();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        socket.destroy();
        resolve();
      };
      const timer = setTimeout(done, answerMs);
      socket.once("data", done);
      socket.once("close", done);
      socket.on("error", () => {});
      socket.once("encrypted" in socket ? "secureConnect" : "connect", () => {
        for (const bytes of writes) {
          socket.write(bytes);
        }
        setTimeout(done, patienceMs);
      });
    });
  }

  #sendRequest(fuzzed: Extract<FuzzCase, { kind: "request" }>): Promise<void> {
    let session = this.#session;
    if (session === undefined || session.closed || session.destroyed) {
      session = this.#target.session();
      session.on("error", () => {});
      this.#session = session;
    }
    const stream = session.request({
      ":method": fuzzed.path.includes("?") ? "GET" : "POST",
      ":path": fuzzed.path,
      ...fuzzed.headers,
      authorization: fuzzed.authorized ? basic("ann", "one") : basic("ann", "two"),
    });
    return new Promise((resolve) => {
      // Watches and waits are meant to stay open.
      const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), 100);
      const last = setTimeout(() => session.destroy(), answerMs);
      stream.on("error", () => {});
      stream.once("close", () => {
        clearTimeout(timer);
        clearTimeout(last);
        resolve();
      });
      stream.resume();
      stream.end(fuzzed.body);
      if (fuzzed.reset) {
        stream.close(constants.NGHTTP2_CANCEL);
      }
    });
  }
}
