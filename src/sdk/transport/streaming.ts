/** The stock Connect client over HTTP/2: many streams, and every call over TLS. Loaded when first needed. */
import type { ClientHttp2Stream, Http2Session } from "node:http2";
import { connect } from "node:net";
import {
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromJson,
  type JsonValue,
  type Message,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import type { Transport as ConnectTransport } from "@connectrpc/connect";
import { createTransport } from "@connectrpc/connect/protocol-connect";
import { createNodeHttpClient, Http2SessionManager } from "@connectrpc/connect-node";
import { DaemonService } from "../../../gen/ts/pm/v1/daemon_service_pb.ts";
import { EventService } from "../../../gen/ts/pm/v1/event_service_pb.ts";
import { ProcessService } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import { ProjectService } from "../../../gen/ts/pm/v1/project_service_pb.ts";
import { QueueService } from "../../../gen/ts/pm/v1/queue_service_pb.ts";
import { ScheduleService } from "../../../gen/ts/pm/v1/schedule_service_pb.ts";
import type { Destination, Endpoint } from "../endpoint.ts";
import { PmError } from "../errors.ts";
import { DecodedBody } from "./decoded-body.ts";
import { EnvelopeError } from "./envelopes.ts";
import { protocolError } from "./light-request.ts";
import { abortedError } from "./local-errors.ts";
import { decodeOutputFrame, decodeOutputsFrame } from "./protobuf/output-frames.ts";
import { ProtobufError } from "./protobuf/reader.ts";
import { errorFromConnect } from "./stock-errors.ts";
import { clientRejectedError } from "./tls-errors.ts";
import type {
  StreamMethod,
  StreamMethods,
  Transport,
  TransportOptions,
  UnaryMethod,
  UnaryMethods,
} from "./transport.ts";

/** How much of one stream may be on its way: a default window of 64 KiB costs a fifth of the throughput. */
const streamWindowBytes = 1024 * 1024;
/**
 * The most that HTTP/2 allows (RFC 9113, 6.9.1): the streams' own windows bound what each can hold, and a stream that
 * nobody reads must not use up what the others need.
 */
const connectionWindowBytes = 2 ** 31 - 1;
/** The largest response is a page of processes. */
const readMaxBytes = 128 * 1024 * 1024;
/** Notices a remote daemon that vanished without a word. */
const remotePingMs = 15_000;
/** setTimeout(), which Connect uses, fires at once beyond this. */
const maxTimerMs = 2 ** 31 - 1;

const unaryMethods = new Map<string, DescMethodUnary>();
const streamMethods = new Map<string, DescMethodServerStreaming>();
const services = [ProcessService, EventService, DaemonService, ScheduleService, QueueService, ProjectService];
for (const method of services.flatMap((service) => service.methods)) {
  const name = `${method.parent.typeName}/${method.name}`;
  // The kind is no discriminant in the library's types.
  if (method.methodKind === "unary") {
    unaryMethods.set(name, method as DescMethodUnary);
  } else if (method.methodKind === "server_streaming") {
    streamMethods.set(name, method as DescMethodServerStreaming);
  }
}

/**
 * Calls that share a connection. The daemon takes 256 at a time (`DaemonLimits.maxStreamsPerConnection`), and further
 * ones would wait in silence for a stream to end.
 */
const maxCallsPerConnection = 100;

/** One connection, which is opened by its first call and again after it was lost; or a transport of the caller's. */
interface Link {
  readonly session?: WideSessionManager;
  readonly transport: ConnectTransport;
  /** Another one over the same connection, whose responses pass `DecodedBody`. */
  readonly decoding?: (body: DecodedBody<unknown>) => ConnectTransport;
  calls: number;
}

/** Opens no connection: the first call does. */
export function stockTransport(destination: Destination): Transport {
  const headers = authorization(destination);
  const closed = new AbortController();
  const open = (): Link =>
    destination.kind === "given"
      ? { transport: destination.transport as ConnectTransport, calls: 0 }
      : openLink(destination);
  const links: Link[] = [open()];

  function takeLink(): Link {
    let link = links.find(({ calls }) => calls < maxCallsPerConnection);
    if (link === undefined) {
      link = open();
      links.push(link);
    }
    link.calls += 1;
    return link;
  }

  /** Keeps the first one for the next call. */
  function giveBack(link: Link): void {
    link.calls -= 1;
    const at = links.indexOf(link);
    if (link.calls === 0 && at > 0) {
      links.splice(at, 1);
      link.session?.abort();
    }
  }

  /** Runs one call under a signal of its own, which ends with it. */
  function options(own: AbortSignal, { signal, timeoutMs }: TransportOptions) {
    return {
      signal: AbortSignal.any([own, closed.signal, ...(signal === undefined ? [] : [signal])]),
      headers,
      ...(timeoutMs !== undefined && timeoutMs <= maxTimerMs && { timeoutMs }),
    };
  }

  const explain = (error: unknown, call: ReturnType<typeof options>, { session }: Link): unknown => {
    const explained = errorFromConnect(error, destination, call);
    const isLost = explained instanceof PmError && explained.reason === "DISCONNECTED";
    return isLost && destination.kind === "https" && !session?.heard
      ? clientRejectedError(destination, error)
      : explained;
  };

  return {
    async unary<M extends UnaryMethod>(method: M, request: UnaryMethods[M][0], callOptions: TransportOptions) {
      const call = options(new AbortController().signal, callOptions);
      throwIfAborted(call.signal);
      const link = takeLink();
      try {
        return (await unaryAsJson(link.transport, method, request, call)) as UnaryMethods[M][1];
      } catch (error) {
        throw explain(error, call, link);
      } finally {
        giveBack(link);
      }
    },

    async *stream<M extends StreamMethod>(method: M, request: StreamMethods[M][0], callOptions: TransportOptions) {
      // Leaving a `for await` does not cancel the RPC in Connect 2.2: this does.
      const own = new AbortController();
      const call = options(own.signal, callOptions);
      throwIfAborted(call.signal);
      const link = takeLink();
      const decode = decoders[method];
      const body = decode && link.decoding && new DecodedBody<unknown>(decode, readMaxBytes);
      const transport = body === undefined ? link.transport : (link.decoding?.(body) ?? link.transport);
      try {
        const messages = await streamMessages(transport, method, request, call);
        for await (const message of messages) {
          // A kind of frame that this version does not know is undefined.
          const item = body === undefined ? itemFromMessage(method, message) : body.take();
          if (item !== undefined) {
            yield item as StreamMethods[M][1];
          }
        }
      } catch (error) {
        throw explain(undecodable(body?.failure) ?? error, call, link);
      } finally {
        own.abort();
        giveBack(link);
      }
    },

    close() {
      closed.abort();
      for (const { session } of links) {
        session?.abort();
      }
    },
  };
}

function openLink(endpoint: Endpoint): Link {
  const session = openSession(endpoint);
  const httpClient = createNodeHttpClient({ httpVersion: "2", sessionProvider: () => session });
  const options = {
    baseUrl: session.authority,
    useBinaryFormat: true,
    interceptors: [],
    // Compression costs five times the processor time that it could save on a socket (and leaks lengths on TLS).
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: 1024,
    readMaxBytes,
    writeMaxBytes: readMaxBytes,
  };
  return {
    session,
    transport: createTransport({ ...options, httpClient }),
    decoding: (body) =>
      createTransport({
        ...options,
        httpClient: async (request) => {
          const response = await httpClient(request);
          return response.status === 200 ? { ...response, body: body.emptied(response.body) } : response;
        },
      }),
    calls: 0,
  };
}

/** Of what is not decoded by the protobuf runtime. */
const decoders: { readonly [M in StreamMethod]?: (bytes: Buffer) => StreamMethods[M][1] | undefined } = {
  "pm.v1.ProcessService/StreamOutput": decodeOutputFrame,
  "pm.v1.ProcessService/StreamOutputs": decodeOutputsFrame,
};

function undecodable(failure: unknown): PmError | undefined {
  if (failure === undefined) {
    return undefined;
  }
  if (failure instanceof EnvelopeError || failure instanceof ProtobufError) {
    return protocolError(failure.message, failure);
  }
  return failure instanceof PmError ? failure : protocolError("a message that cannot be decoded", failure);
}

interface ConnectCall {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  readonly headers: Record<string, string>;
}

async function streamMessages(
  transport: ConnectTransport,
  name: StreamMethod,
  request: object,
  { signal, timeoutMs, headers }: ConnectCall,
): Promise<AsyncIterable<Message>> {
  const method = streamMethods.get(name);
  if (method === undefined) {
    throw new TypeError(`${name} is not a streaming method`);
  }
  const input = fromJson(method.input, request as JsonValue);
  const { message } = await transport.stream(method, signal, timeoutMs, headers, once(input));
  return message;
}

async function* once<T>(value: T): AsyncGenerator<T, void, void> {
  yield value;
}

function itemFromMessage(name: StreamMethod, message: Message): unknown {
  const output = streamMethods.get(name)?.output;
  const decode = decoders[name];
  return output && (decode ? decode(Buffer.from(toBinary(output, message))) : toJson(output, message));
}

async function unaryAsJson(
  transport: ConnectTransport,
  name: UnaryMethod,
  request: object,
  { signal, timeoutMs, headers }: ConnectCall,
): Promise<JsonValue> {
  const method = unaryMethods.get(name);
  if (method === undefined) {
    throw new TypeError(`${name} is not a unary method`);
  }
  const input: Message = fromJson(method.input, request as JsonValue);
  const { message } = await transport.unary(method, signal, timeoutMs, headers, input);
  return toJson(method.output, message);
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) {
    throw abortedError(signal);
  }
}

function openSession(endpoint: Endpoint): WideSessionManager {
  const settings = { initialWindowSize: streamWindowBytes };
  if (endpoint.kind === "unix") {
    return new WideSessionManager("http://localhost", {}, { settings, createConnection: () => connect(endpoint.path) });
  }
  const { ca, cert, key } = endpoint.tls;
  const tls = { ca: pem(ca), cert: pem(cert), key: pem(key), minVersion: "TLSv1.3" as const };
  return new WideSessionManager(endpoint.url, { pingIntervalMs: remotePingMs }, { settings, ...tls });
}

/** Raises the connection's window too: `settings` alone leaves it at 64 KiB (https://github.com/nodejs/node/issues/31084). */
class WideSessionManager extends Http2SessionManager {
  readonly #wide = new WeakSet<Http2Session>();
  #heard = false;

  /** Whether the other side ever said anything within HTTP/2. */
  get heard(): boolean {
    return this.#heard;
  }

  override async request(...args: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    const stream = await super.request(...args);
    const { session } = stream;
    if (session !== undefined && !this.#wide.has(session)) {
      this.#wide.add(session);
      session.setLocalWindowSize(connectionWindowBytes);
      session.once("remoteSettings", () => {
        this.#heard = true;
      });
    }
    stream.once("response", () => {
      this.#heard = true;
    });
    return stream;
  }
}

function pem(value: string | Uint8Array | undefined): string | Buffer | undefined {
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

function authorization(destination: Destination): Record<string, string> {
  if (destination.kind !== "https" || destination.credentials === undefined) {
    return {};
  }
  const { username, password } = destination.credentials;
  return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
}
