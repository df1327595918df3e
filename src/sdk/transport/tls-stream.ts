/**
 * Streams of output over TLS, each with a connection of its own, by HTTP/1.1.
 * Loaded when first needed. Over HTTP/2 the same bytes come 16 KiB at a time
 * through two more buffers; measured, that costs the client three times the
 * processor time.
 */
import { type ConnectionOptions, connect } from "node:tls";
import type { Endpoint } from "../endpoint.ts";
import { describeEndpoint } from "../endpoint.ts";
import { type LightConnection, type LightStream, openLightStream } from "./light-stream.ts";
import type { StreamMethod, StreamMethods, TransportOptions } from "./transport.ts";

type HttpsEndpoint = Extract<Endpoint, { readonly kind: "https" }>;

/** Calls `method`. The call begins with the first `next()`. */
export function tlsStream<M extends StreamMethod>(
  endpoint: HttpsEndpoint,
  method: M,
  request: StreamMethods[M][0],
  options: TransportOptions,
): LightStream<StreamMethods[M][0], StreamMethods[M][1]> {
  return openLightStream(connectionTo(endpoint), method, request, options);
}

function connectionTo(endpoint: HttpsEndpoint): LightConnection {
  const { hostname, port } = new URL(endpoint.url);
  // An IPv6 address has brackets in a URL only.
  const host = hostname.replace(/^\[|\]$/g, "");
  const { ca, cert, key } = endpoint.tls;
  return {
    place: describeEndpoint(endpoint),
    headers: authorization(endpoint),
    ready: "secureConnect",
    open: (onread) =>
      // `onread` is net's, and works for TLS as well (test-tls-onread-static-buffer.js of Node.js).
      connect({
        host,
        port: Number(port || 443),
        ...(ca !== undefined && { ca: pem(ca) }),
        ...(cert !== undefined && { cert: pem(cert) }),
        ...(key !== undefined && { key: pem(key) }),
        minVersion: "TLSv1.3",
        ALPNProtocols: ["http/1.1"],
        onread,
      } as ConnectionOptions),
  };
}

function pem(value: string | Uint8Array): string | Buffer {
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

function authorization({ credentials }: HttpsEndpoint): string[] {
  if (credentials === undefined) {
    return [];
  }
  const { username, password } = credentials;
  return [`Authorization: Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`];
}
