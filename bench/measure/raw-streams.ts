/**
 * Streams of Node.js with nothing in between: what a daemon written in it could
 * reach at best. The server is this file as a program of its own:
 * `node raw-streams.ts --serve DIRECTORY [CERT KEY CA]`.
 */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer as createHttp1Server, request as requestHttp1 } from "node:http";
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  createSecureServer,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import type { Writable } from "node:stream";

const pieceBytes = 256 * 1024;
/** As the daemon's. */
const windowBytes = 1024 * 1024;

export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface RawStreams extends AsyncDisposable {
  /** All in MB/s of one response of so many bytes. */
  http1(bytes: number): Promise<number>;
  http2(bytes: number): Promise<number>;
  tls(bytes: number): Promise<number>;
}

export async function openRawStreams(
  directory: string,
  tls?: { readonly server: Omit<TlsFiles, "ca">; readonly client: TlsFiles },
): Promise<RawStreams> {
  const args = tls === undefined ? [] : [tls.server.cert, tls.server.key, tls.client.ca];
  const server = fork(import.meta.filename, ["--serve", directory, ...args]);
  const port = await new Promise<number>((resolve, reject) => {
    server.once("message", (message) => resolve(Number(message)));
    server.once("exit", (code) => reject(new Error(`the raw server exited with ${code}`)));
  });
  return {
    http1: (bytes) =>
      new Promise((resolve, reject) => {
        const begin = performance.now();
        const request = requestHttp1({ socketPath: join(directory, "raw1.sock"), path: `/${bytes}` });
        request.once("error", reject);
        request.once("response", (response) => resolve(rateOf(response, bytes, begin)));
        request.end();
      }),
    http2: (bytes) =>
      http2Rate(bytes, "http://localhost", { createConnection: () => connect(join(directory, "raw2.sock")) }),
    tls: (bytes) => {
      if (tls === undefined) throw new Error("there are no certificates");
      const { ca, cert, key } = tls.client;
      return http2Rate(bytes, `https://localhost:${port}`, {
        ca: readFileSync(ca),
        cert: readFileSync(cert),
        key: readFileSync(key),
      });
    },
    async [Symbol.asyncDispose]() {
      const exit = new Promise((resolve) => server.once("exit", resolve));
      server.kill();
      await exit;
    },
  };
}

async function http2Rate(bytes: number, url: string, options: Parameters<typeof connectHttp2>[1]): Promise<number> {
  const session = connectHttp2(url, { ...(options as object), settings: { initialWindowSize: windowBytes } });
  await new Promise((resolve, reject) => {
    session.once("connect", resolve);
    session.once("error", reject);
  });
  session.setLocalWindowSize(windowBytes);
  const begin = performance.now();
  const rate = await rateOf(session.request({ ":path": `/${bytes}` }), bytes, begin);
  session.close();
  return rate;
}

async function rateOf(stream: NodeJS.ReadableStream, bytes: number, begin: number): Promise<number> {
  let got = 0;
  stream.on("data", (data: Buffer) => {
    got += data.length;
  });
  await new Promise((resolve, reject) => {
    stream.once("end", resolve);
    stream.once("error", reject);
  });
  if (got !== bytes) throw new Error(`${got} of ${bytes} bytes came`);
  return megabytesPerSecond(bytes, begin);
}

export function megabytesPerSecond(bytes: number, begin: number): number {
  return bytes / 1000 / (performance.now() - begin);
}

async function serve(directory: string, cert?: string, key?: string, ca?: string): Promise<void> {
  const piece = Buffer.alloc(pieceBytes, 1);
  const send = async (to: Writable, bytes: number): Promise<void> => {
    for (let left = bytes; left > 0; left -= pieceBytes) {
      const more = to.write(left < pieceBytes ? piece.subarray(0, left) : piece);
      if (!more) await new Promise((resolve) => to.once("drain", resolve));
    }
    to.end();
  };
  const answer = (stream: ServerHttp2Stream, headers: { readonly ":path"?: string }): void => {
    stream.respond({ ":status": 200 });
    void send(stream, Number(headers[":path"]?.slice(1)));
  };
  const settings = { initialWindowSize: windowBytes };
  createHttp1Server((request, response) => void send(response, Number(request.url?.slice(1)))).listen(
    join(directory, "raw1.sock"),
  );
  const plain = createHttp2Server({ settings }).on("stream", answer);
  await new Promise<void>((resolve) => plain.listen(join(directory, "raw2.sock"), resolve));
  if (cert === undefined || key === undefined || ca === undefined) {
    process.send?.(0);
    return;
  }
  const secure = createSecureServer({
    settings,
    cert: readFileSync(cert),
    key: readFileSync(key),
    ca: readFileSync(ca),
    requestCert: true,
    minVersion: "TLSv1.3",
  }).on("stream", answer);
  secure.listen(0, "127.0.0.1", () => process.send?.((secure.address() as AddressInfo).port));
}

if (process.argv[2] === "--serve") await serve(process.argv[3] ?? "", ...process.argv.slice(4));
