/**
 * Serves the calls that the SDK and the commands make all day: unary, JSON in
 * the Connect protocol, over HTTP/1.1, the length of the request given and small.
 *
 * In place of Connect's own handler, which turns each request and response into
 * streams and web objects first: a third of what three such calls allocated in
 * the daemon (figures in docs/decisions.md). Only what succeeds or fails in its method is
 * answered here. Every request that could be refused before, because its headers
 * ask for anything else or its JSON cannot be decoded, goes to Connect.
 */
import type { IncomingHttpHeaders } from "node:http";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type DescService,
  isMessage,
  type Message,
  type MessageInitShape,
  toJsonString,
} from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextValues,
  createContextValues,
  type HandlerContext,
  type Interceptor,
  type ServiceImpl,
  type StreamRequest,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import {
  createMethodSerializationLookup,
  createMethodUrl,
  mergeNonProtocolHeaders,
} from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import type { Log } from "../log.ts";
import { callerKey } from "../rpc/caller.ts";
import { addReason } from "../rpc/errors.ts";
import type { CallerOnConnection, Exchange, NodeResponse } from "./http-types.ts";
import { maxTimeoutMs, readMaxBytes, writeMaxBytes } from "./limits.ts";

export interface ShortCallOptions {
  /** The outermost first. */
  readonly interceptors: readonly Interceptor[];
  /** Aborted with the error that calls under way shall end with. */
  readonly shutdownSignal: AbortSignal;
  readonly log: Log;
}

type AnyFn = ReturnType<Interceptor>;
type Implementation = (request: Message, context: HandlerContext) => unknown;
/** Serves the request with the body that was read of it. */
type Otherwise = (body: Buffer) => void;

/** Longer ones are rare, and their body is better not held in pieces. */
const mostBytes = 64 * 1024;
const jsonType = "application/json";
const jsonOptions = { ignoreUnknownFields: false };

export class ShortCalls {
  readonly #options: ShortCallOptions;
  readonly #routes = new Map<string, Route>();
  readonly #underWay = new Set<AbortController>();

  constructor(options: ShortCallOptions) {
    this.#options = options;
    const { shutdownSignal } = options;
    shutdownSignal.addEventListener("abort", () => {
      for (const call of [...this.#underWay]) call.abort(shutdownSignal.reason);
    });
  }

  /** The same router; what is registered with the result is served here, too. */
  recording(router: ConnectRouter): ConnectRouter {
    const recorder: ConnectRouter = {
      handlers: router.handlers,
      service: (service, implementation, options) => {
        this.#add(service, implementation);
        router.service(service, implementation, options);
        return recorder;
      },
      rpc: (method, implementation, options) => {
        router.rpc(method, implementation, options);
        return recorder;
      },
    };
    return recorder;
  }

  #add<T extends DescService>(service: T, implementation: Partial<ServiceImpl<T>>): void {
    const methods = implementation as Readonly<Record<string, unknown>>;
    for (const method of service.methods) {
      const implement = methods[method.localName];
      if (method.methodKind !== "unary" || typeof implement !== "function") continue;
      const path = createMethodUrl("/", method);
      this.#routes.set(
        path,
        new Route(method as DescMethodUnary, implement.bind(implementation) as Implementation, path),
      );
    }
  }

  /** Whether the request is one that is served here, or by `otherwise` once its body has been read. */
  serve(exchange: Exchange, caller: CallerOnConnection, otherwise: Otherwise): boolean {
    const { request, response } = exchange;
    if ("stream" in request || "stream" in response || request.method !== "POST") return false;
    const route = this.#routes.get(request.url ?? "");
    const { headers } = request;
    const length = Number(headers["content-length"] ?? Number.NaN);
    const timeout = headers["connect-timeout-ms"];
    const isShort =
      route !== undefined &&
      headers["content-type"] === jsonType &&
      length <= mostBytes &&
      headers["content-encoding"] === undefined &&
      (timeout === undefined || (typeof timeout === "string" && isTimeout(timeout))) &&
      !this.#options.shutdownSignal.aborted;
    if (!isShort) return false;
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const [first] = chunks;
      const body = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
      const message = this.#options.shutdownSignal.aborted ? null : route.parse(body);
      if (message === null) otherwise(body);
      else void this.#call(route, message, exchange, caller, timeout === undefined ? undefined : Number(timeout));
    });
    return true;
  }

  async #call(
    route: Route,
    message: Message,
    { request, response }: Exchange,
    { principal, peer }: CallerOnConnection,
    timeoutMs: number | undefined,
  ): Promise<void> {
    const { interceptors, log } = this.#options;
    const controller = new AbortController();
    const abort = (error: ConnectError) => {
      addReason(error, log);
      controller.abort(error);
    };
    const gone = () => abort(new ConnectError("the client has gone", Code.Canceled));
    response.once("close", gone);
    const deadline =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => abort(new ConnectError("the operation timed out", Code.DeadlineExceeded)), timeoutMs);
    this.#underWay.add(controller);
    const values = createContextValues().set(callerKey, { principal, peer });
    const call = new Call(route, message, controller.signal, values, request.headers, timeoutMs);
    const implement: AnyFn = (asked) => call.implement(asked);
    try {
      const answer = await interceptors.reduceRight((next, intercept) => intercept(next), implement)(call);
      respond(response, 200, route.format(answer.message as Message), call);
    } catch (error) {
      const failure = ConnectError.from(error, Code.Internal);
      addReason(failure, log);
      mergeNonProtocolHeaders(call.responseHeader, failure.metadata);
      respond(response, codeToHttpStatus(failure.code), errorToJsonBytes(failure, undefined), call);
    } finally {
      response.off("close", gone);
      clearTimeout(deadline);
      this.#underWay.delete(controller);
    }
  }
}

/** A unary method that is served. */
class Route {
  readonly method: DescMethodUnary;
  readonly implementation: Implementation;
  readonly path: string;
  readonly #input;

  constructor(method: DescMethodUnary, implementation: Implementation, path: string) {
    this.method = method;
    this.implementation = implementation;
    this.path = path;
    const limits = { readMaxBytes, writeMaxBytes, compressMinBytes: 0 };
    this.#input = createMethodSerializationLookup(method, undefined, jsonOptions, limits).getI(false);
  }

  /** Null: it is not what the method takes. */
  parse(body: Buffer): Message | null {
    try {
      return this.#input.parse(body);
    } catch {
      return null;
    }
  }

  /** @throws ConnectError: it is too long. */
  format(answer: Message): string {
    // As text: it leaves together with the headers, in one write.
    const text = toJsonString(this.method.output, answer);
    if (Buffer.byteLength(text) > writeMaxBytes) {
      throw new ConnectError(`a response of more than ${writeMaxBytes} bytes`, Code.ResourceExhausted);
    }
    return text;
  }
}

/** What interceptors and the method are told. Headers are made when somebody asks for them. */
class Call implements UnaryRequest, HandlerContext {
  readonly stream = false;
  readonly message: Message;
  readonly method: DescMethodUnary;
  readonly service: DescService;
  readonly signal: AbortSignal;
  readonly contextValues: ContextValues;
  readonly url: string;
  readonly requestMethod = "POST";
  readonly protocolName = "connect";
  readonly timeoutMs: () => number | undefined;
  readonly #route: Route;
  readonly #sent: IncomingHttpHeaders;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;

  constructor(
    route: Route,
    message: Message,
    signal: AbortSignal,
    contextValues: ContextValues,
    sent: IncomingHttpHeaders,
    timeoutMs: number | undefined,
  ) {
    this.#route = route;
    this.#sent = sent;
    this.message = message;
    this.method = route.method;
    this.service = route.method.parent;
    this.signal = signal;
    this.contextValues = contextValues;
    this.url = `http://localhost${route.path}`;
    const end = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
    this.timeoutMs = () => (end === undefined ? undefined : end - Date.now());
  }

  get values(): ContextValues {
    return this.contextValues;
  }

  get header(): Headers {
    return this.requestHeader;
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= new Headers(
      Object.entries(this.#sent).map(([name, value]): [string, string] => [name, String(value)]),
    );
    return this.#requestHeader;
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers();
    return this.#responseHeader;
  }

  /** Unary calls have none in this protocol but by headers of their own. */
  get responseTrailer(): Headers {
    return new Headers();
  }

  /** What a method or an interceptor added. */
  get addedHeaders(): Readonly<Record<string, string>> {
    return this.#responseHeader === undefined ? {} : Object.fromEntries(this.#responseHeader);
  }

  /** @param asked This call, or what an interceptor made of it. */
  async implement(asked: UnaryRequest | StreamRequest): Promise<UnaryResponse> {
    const { method, implementation } = this.#route;
    const answer = await implementation(asked.message as Message, this);
    return new Answer(
      this,
      isMessage(answer, method.output) ? answer : create(method.output, answer as MessageInitShape<DescMessage>),
    );
  }
}

/** What interceptors are answered. */
class Answer implements UnaryResponse {
  readonly stream = false;
  readonly message: Message;
  readonly #call: Call;

  constructor(call: Call, message: Message) {
    this.#call = call;
    this.message = message;
  }

  get service(): DescService {
    return this.#call.service;
  }

  get method(): DescMethodUnary {
    return this.#call.method;
  }

  get header(): Headers {
    return this.#call.responseHeader;
  }

  get trailer(): Headers {
    return this.#call.responseTrailer;
  }
}

/** At most ten digits (https://connectrpc.com/docs/protocol#unary-request), and no longer than a timer can wait. */
function isTimeout(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) > 0 && Number(text) <= maxTimeoutMs;
}

function respond(response: NodeResponse, status: number, body: string | Uint8Array, call: Call): void {
  if ("stream" in response || response.destroyed) return;
  response.writeHead(status, {
    ...call.addedHeaders,
    "content-type": jsonType,
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}
