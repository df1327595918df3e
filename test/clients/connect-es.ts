/** connect-es, by each of its protocols. */
import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { StopOutcome } from "../../gen/ts/pm/v1/run_pb.ts";
import {
  authorization,
  byId,
  type ClientRun,
  missing,
  type Outcome,
  type Place,
  type Refused,
  script,
  sleeper,
} from "./place.ts";

export type Protocol = "connect" | "connect-1.1" | "grpc" | "grpc-web";

export function connectEs(protocol: Protocol): ClientRun {
  return async (place) => run(createClient(ProcessService, transportTo(place, protocol)));
}

async function run(client: ReturnType<typeof createClient<typeof ProcessService>>): Promise<Outcome | Refused> {
  const error = await failureOf(() => client.startProcess({ spec: missing }));
  const code = nameOf(error);
  if (code === "UNAUTHENTICATED" || code === "PERMISSION_DENIED") {
    const streamed = await failureOf(async () => {
      for await (const _ of client.streamOutput({ process: byId(randomUUID()) }));
    });
    return { refused: code, reasons: [reasonOf(error), reasonOf(streamed)] };
  }
  const [info] = error.findDetails(ErrorInfoSchema);

  const talker = await client.startProcess({ spec: { executable: "sh", args: ["-c", script] } });
  const hash = createHash("sha256");
  let exitCode = -1;
  for await (const { frame } of client.streamOutput({ process: byId(talker.process?.id ?? ""), follow: true })) {
    if (frame.case === "chunk") {
      hash.update(frame.value.data);
    } else if (frame.case === "end") {
      exitCode = Number(frame.value.exit?.result.value);
    }
  }

  const id = (await client.startProcess({ spec: sleeper })).process?.id ?? "";
  const abort = new AbortController();
  const canceled = await failureOf(async () => {
    for await (const { frame } of client.streamOutput({ process: byId(id), follow: true }, { signal: abort.signal })) {
      if (frame.case === "chunk") {
        abort.abort();
      }
    }
  });
  const late = await failureOf(() => client.waitProcess({ process: byId(id) }, { timeoutMs: 300 }));
  const { receipt } = await client.stopProcess({ process: byId(id), options: { force: true } });
  return {
    error: [code, info?.reason ?? "", info?.metadata["errno_name"] ?? ""],
    stream: [hash.digest("hex"), exitCode],
    cancel: nameOf(canceled),
    deadline: nameOf(late),
    stopped: receipt?.outcome === StopOutcome.STOPPED,
  };
}

function nameOf({ code }: ConnectError): string {
  return code === Code.Canceled ? "CANCELLED" : Code[code].replace(/(?<=.)([A-Z])/g, "_$1").toUpperCase();
}

function reasonOf(error: ConnectError): string | undefined {
  return error.findDetails(ErrorInfoSchema)[0]?.reason;
}

async function failureOf(call: () => Promise<unknown>): Promise<ConnectError> {
  try {
    await call();
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call did not fail");
}

function transportTo(place: Place, protocol: Protocol): Transport {
  const header = authorization(place);
  const interceptors: Interceptor[] = [
    (next) => (request) => {
      if (place.name === "mTLS" && header !== undefined) {
        request.header.set("authorization", header);
      }
      return next(request);
    },
  ];
  const tls = {
    ca: readFileSync(place.files.ca),
    cert: readFileSync(place.files.cert),
    key: readFileSync(place.files.key),
  };
  const path = place.address.replace("unix://", "");
  const isUnix = place.name === "unix";
  const baseUrl = isUnix ? "http://localhost" : place.address;
  if (protocol === "connect-1.1") {
    const nodeOptions = isUnix ? { socketPath: path } : { ...tls, agent: false as const };
    return createConnectTransport({ httpVersion: "1.1", baseUrl, interceptors, nodeOptions });
  }
  const nodeOptions = isUnix ? { createConnection: () => connect(path) } : tls;
  switch (protocol) {
    case "connect":
      return createConnectTransport({ httpVersion: "2", baseUrl, interceptors, nodeOptions });
    case "grpc":
      return createGrpcTransport({ baseUrl, interceptors, nodeOptions });
    case "grpc-web":
      return createGrpcWebTransport({ httpVersion: "2", baseUrl, interceptors, nodeOptions });
  }
}
