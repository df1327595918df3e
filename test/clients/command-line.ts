/** `buf curl` (which learns the contract by reflection) and plain curl with JSON, as a person would use them. */
import { createHash } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import {
  authorization,
  type ClientRun,
  missing,
  type Outcome,
  type Place,
  runTool,
  script,
  sleeper,
  type ToolResult,
} from "./place.ts";

const service = "pm.v1.ProcessService";

interface JsonError {
  readonly code?: string;
  readonly details?: readonly { readonly type?: string; readonly value?: string }[];
}

interface JsonFrame {
  readonly chunk?: { readonly data?: string };
  readonly end?: { readonly exit?: { readonly code?: number } };
}

/** One call by one tool: its JSON answers, or its error. */
type Call = (
  place: Place,
  method: string,
  request: object,
  options?: { readonly timeoutMs?: number; readonly until?: (frames: readonly JsonFrame[]) => boolean },
) => Promise<{
  readonly answers: readonly object[];
  readonly error: JsonError | undefined;
  readonly interrupted: boolean;
}>;

function scenario(call: Call): ClientRun {
  return async (place) => {
    const failed = (await call(place, "StartProcess", { spec: missing })).error;
    const code = failed?.code?.toUpperCase() ?? "";
    if (code === "UNAUTHENTICATED" || code === "PERMISSION_DENIED") {
      return { refused: code };
    }
    const info = errorInfoOf(failed);
    const start = async (spec: object) => {
      const { answers, error } = await call(place, "StartProcess", { spec });
      const [answer] = answers as { process?: { id?: string } }[];
      if (answer?.process?.id === undefined) {
        throw new Error(`no process: ${JSON.stringify(error)}`);
      }
      return answer.process.id;
    };

    const talker = await start({ executable: "sh", args: ["-c", script] });
    const { answers } = await call(place, "StreamOutput", { process: { id: talker }, follow: true });
    const frames = answers as JsonFrame[];
    const hash = createHash("sha256");
    for (const { chunk } of frames) {
      hash.update(Buffer.from(chunk?.data ?? "", "base64"));
    }

    const id = await start(sleeper);
    const { interrupted } = await call(
      place,
      "StreamOutput",
      { process: { id }, follow: true },
      { until: (seen) => seen.some(({ chunk }) => chunk !== undefined) },
    );
    const late = await call(place, "WaitProcess", { process: { id } }, { timeoutMs: 2000 });
    const { answers: stops } = await call(place, "StopProcess", { process: { id }, options: { force: true } });
    const [stop] = stops as { receipt?: { outcome?: string } }[];
    return {
      error: [code, info?.reason ?? "", info?.metadata["errno_name"] ?? ""],
      stream: [hash.digest("hex"), frames.at(-1)?.end?.exit?.code ?? -1],
      cancel: interrupted ? "CANCELLED" : "not interrupted",
      deadline: late.error?.code?.toUpperCase() ?? "none",
      stopped: stop?.receipt?.outcome === "STOP_OUTCOME_STOPPED",
    } satisfies Outcome;
  };
}

function errorInfoOf(error: JsonError | undefined) {
  const detail = error?.details?.find(({ type }) => type?.endsWith("google.rpc.ErrorInfo"));
  return detail?.value === undefined ? undefined : fromBinary(ErrorInfoSchema, Buffer.from(detail.value, "base64"));
}

export function bufCurl(protocol: "connect" | "grpc" | "grpcweb"): ClientRun {
  return scenario(async (place, method, request, { timeoutMs, until } = {}) => {
    const header = authorization(place);
    const isUnix = place.name === "unix";
    const { ca, cert, key } = place.files;
    const { stdout, stderr, code } = await runTool(
      "buf",
      [
        ...["curl", "--protocol", protocol, "-d", "@-"],
        ...(place.schema === undefined ? ["--reflect"] : ["--schema", place.schema]),
        ...(isUnix
          ? ["--unix-socket", place.address.replace("unix://", ""), "--http2-prior-knowledge"]
          : ["--cacert", ca, "--cert", cert, "--key", key]),
        ...(isUnix || header === undefined ? [] : ["-H", `Authorization: ${header}`]),
        ...(isUnix || header === undefined || place.schema !== undefined
          ? []
          : ["--reflect-header", `Authorization: ${header}`]),
        ...(timeoutMs === undefined ? [] : ["--timeout", `${timeoutMs}ms`]),
        `${isUnix ? "http://localhost" : place.address}/${service}/${method}`,
      ],
      {
        input: JSON.stringify(request),
        ...(until && { until: (output: Buffer) => until(documents(output.toString())) }),
      },
    );
    const answers = documents(stdout.toString());
    return { answers, error: errorOf(code, stderr), interrupted: until !== undefined && code !== 0 };
  });
}

function errorOf(code: number | null, stderr: string): JsonError | undefined {
  if (code === 0) {
    return undefined;
  }
  const [error] = documents(stderr) as JsonError[];
  if (error?.code !== undefined) {
    return error;
  }
  return { code: `${code}: ${stderr}` };
}

/** JSON objects that follow each other; text around them and an unfinished one at the end are left out. */
function documents(text: string): object[] {
  const found: object[] = [];
  let depth = 0;
  let begin = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (quoted) {
      if (character === "\\") {
        i++;
      } else if (character === '"') {
        quoted = false;
      }
    } else if (character === '"' && depth > 0) {
      quoted = true;
    } else if (character === "{") {
      if (depth++ === 0) {
        begin = i;
      }
    } else if (character === "}" && depth > 0 && --depth === 0) {
      found.push(JSON.parse(text.slice(begin, i + 1)) as object);
    }
  }
  return found;
}

export function curl(version: "--http1.1" | "--http2"): ClientRun {
  return scenario(async (place, method, request, { timeoutMs, until } = {}) => {
    const streaming = method === "StreamOutput";
    const json = Buffer.from(JSON.stringify(request));
    const isUnix = place.name === "unix";
    const { ca, cert, key } = place.files;
    const result = await runTool(
      "curl",
      [
        ...["-sS", "-N", "--data-binary", "@-", isUnix && version === "--http2" ? "--http2-prior-knowledge" : version],
        ...["-H", `content-type: application/${streaming ? "connect+json" : "json"}`],
        ...(timeoutMs === undefined ? [] : ["-H", `connect-timeout-ms: ${timeoutMs}`]),
        ...(isUnix
          ? ["--unix-socket", place.address.replace("unix://", "")]
          : ["--cacert", ca, "--cert", cert, "--key", key]),
        ...(isUnix || place.user === undefined ? [] : ["-u", `${place.user}:${place.password}`]),
        `${isUnix ? "http://localhost" : place.address}/${service}/${method}`,
      ],
      {
        input: streaming ? envelope(json) : json,
        ...(until && { until: (output: Buffer) => until(framesOf(output).frames) }),
      },
    );
    return streaming ? streamed(result) : unary(result);
  });
}

function unary({ stdout }: ToolResult) {
  const answer = JSON.parse(stdout.toString()) as JsonError;
  const isError = answer.code !== undefined;
  return { answers: isError ? [] : [answer], error: isError ? answer : undefined, interrupted: false };
}

function streamed({ stdout, code }: ToolResult) {
  const { frames, error } = framesOf(stdout);
  return { answers: frames, error, interrupted: code !== 0 };
}

/** Connect's envelopes: a byte of flags, four of length (https://connectrpc.com/docs/protocol#streaming-rpcs). */
function envelope(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function framesOf(output: Buffer): { frames: JsonFrame[]; error: JsonError | undefined } {
  const frames: JsonFrame[] = [];
  let error: JsonError | undefined;
  for (let at = 0; at + 5 <= output.length; ) {
    const length = output.readUInt32BE(at + 1);
    if (at + 5 + length > output.length) {
      break;
    }
    const message = JSON.parse(output.toString("utf8", at + 5, at + 5 + length)) as JsonFrame & { error?: JsonError };
    if (((output[at] ?? 0) & 2) === 0) {
      frames.push(message);
    } else {
      error = message.error;
    }
    at += 5 + length;
  }
  return { frames, error };
}
