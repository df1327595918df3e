/**
 * The JSON of a request as it came. The RPC library stops at the first field
 * that it does not know, and says nothing of where that is; with the JSON at
 * hand all of them are found. It is read again only if it was refused.
 */
import { type ContextValues, createContextKey, type HandlerContext } from "@connectrpc/connect";
import type { Field } from "./field.ts";
import { refuseUnknownJson } from "./unknown.ts";

interface SentJson {
  readonly chunks: Uint8Array[];
  /** An envelope before the message: 1 byte of flags, 4 of length. */
  readonly enveloped: boolean;
}

const sentJsonKey = createContextKey<SentJson | undefined>(undefined);
const envelopeBytes = 5;

/** The same body, of which JSON is kept for {@link refuseUnknownSent}. */
export function keepingJson(
  body: AsyncIterable<Uint8Array>,
  contentType: string,
  values: ContextValues,
): AsyncIterable<Uint8Array> {
  const [, stream] = /^application\/(?:(connect\+|grpc(?:-web)?\+))?json(?:;|$)/i.exec(contentType.trim()) ?? [null];
  if (stream === null) {
    return body;
  }
  const chunks: Uint8Array[] = [];
  values.set(sentJsonKey, { chunks, enveloped: stream !== undefined });
  return kept(body, chunks);
}

async function* kept(body: AsyncIterable<Uint8Array>, chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    chunks.push(chunk);
    yield chunk;
  }
}

/** It was decoded, and is not needed any more: a stream may go on for days. */
export function dropSentJson(values: ContextValues): void {
  const sent = values.get(sentJsonKey);
  if (sent !== undefined) {
    sent.chunks.length = 0;
  }
}

/** Refuses everything in the request's JSON that this daemon does not know; nothing if it is no JSON. */
export function refuseUnknownSent({ method, requestMethod, url, values }: HandlerContext, root: Field): void {
  const text = requestMethod === "GET" ? queryMessage(url) : bodyMessage(values.get(sentJsonKey));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return;
  }
  refuseUnknownJson(method.input, json, root);
}

function bodyMessage(sent: SentJson | undefined): string {
  const body = Buffer.concat(sent?.chunks ?? []);
  if (sent?.enveloped !== true) {
    return body.toString();
  }
  return body.length < envelopeBytes
    ? ""
    : body.subarray(envelopeBytes, envelopeBytes + body.readUInt32BE(1)).toString();
}

/** Connect's GET form (https://connectrpc.com/docs/protocol/#unary-get-request). */
function queryMessage(url: string): string {
  const { searchParams } = new URL(url);
  const message = searchParams.get("message") ?? "";
  return searchParams.get("base64") === "1" ? Buffer.from(message, "base64url").toString() : message;
}
