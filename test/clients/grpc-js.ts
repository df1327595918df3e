/** grpc-js, with a service definition made of protobuf-es descriptors. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/ts/google/rpc/status_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { StopOutcome } from "../../gen/ts/pm/v1/run_pb.ts";
import { authorization, byId, type ClientRun, missing, script, sleeper } from "./place.ts";

type Method<I extends DescMessage, O extends DescMessage> = DescMethod & { readonly input: I; readonly output: O };

export const grpcJs: ClientRun = async (place) => {
  const { ca, cert, key } = place.files;
  const client =
    place.name === "unix"
      ? new Client(`unix:${place.address.replace("unix://", "")}`, credentials.createInsecure())
      : new Client(
          place.address.replace("https://", ""),
          credentials.createSsl(readFileSync(ca), readFileSync(key), readFileSync(cert)),
        );
  const metadata = new Metadata();
  const header = authorization(place);
  if (place.name === "mTLS" && header !== undefined) {
    metadata.set("authorization", header);
  }
  const { startProcess, streamOutput, waitProcess, stopProcess } = ProcessService.method;

  const unary = <I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    input: MessageInitShape<I>,
    timeoutMs?: number,
  ) =>
    new Promise<MessageShape<O>>((resolve, reject) => {
      client.makeUnaryRequest<MessageShape<I>, MessageShape<O>>(
        pathOf(method),
        (message) => Buffer.from(toBinary(method.input, message)),
        (bytes) => fromBinary(method.output, bytes),
        create(method.input, input),
        metadata,
        timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
        (error, value) => (error === null ? resolve(value as MessageShape<O>) : reject(error)),
      );
    });
  const stream = (id: string) =>
    client.makeServerStreamRequest(
      pathOf(streamOutput),
      (message: MessageShape<typeof streamOutput.input>) => Buffer.from(toBinary(streamOutput.input, message)),
      (bytes) => fromBinary(streamOutput.output, bytes),
      create(streamOutput.input, { process: byId(id), follow: true }),
      metadata,
      {},
    );

  try {
    const error = await failureOf(() => unary(startProcess, { spec: missing }));
    const code = status[error.code] ?? "";
    if (code === "UNAUTHENTICATED" || code === "PERMISSION_DENIED") {
      return { refused: code };
    }
    const info = errorInfoOf(error);

    const talker = await unary(startProcess, { spec: { executable: "sh", args: ["-c", script] } });
    const hash = createHash("sha256");
    let exitCode = -1;
    for await (const { frame } of stream(talker.process?.id ?? "")) {
      if (frame.case === "chunk") {
        hash.update(frame.value.data);
      } else if (frame.case === "end") {
        exitCode = Number(frame.value.exit?.result.value);
      }
    }

    const id = (await unary(startProcess, { spec: sleeper })).process?.id ?? "";
    const canceled = await failureOf(async () => {
      const call = stream(id);
      for await (const { frame } of call) {
        if (frame.case === "chunk") {
          call.cancel();
        }
      }
    });
    const late = await failureOf(() => unary(waitProcess, { process: byId(id) }, 300));
    const { receipt } = await unary(stopProcess, { process: byId(id), options: { force: true } });
    return {
      error: [code, info?.reason ?? "", info?.metadata["errno_name"] ?? ""],
      stream: [hash.digest("hex"), exitCode],
      cancel: status[canceled.code] ?? "",
      deadline: status[late.code] ?? "",
      stopped: receipt?.outcome === StopOutcome.STOPPED,
    };
  } finally {
    client.close();
  }
};

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

async function failureOf(call: () => Promise<unknown>): Promise<ServiceError> {
  try {
    await call();
  } catch (error) {
    return error as ServiceError;
  }
  throw new Error("the call did not fail");
}

function errorInfoOf(error: ServiceError) {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const details = bytes instanceof Buffer ? fromBinary(StatusSchema, bytes).details : [];
  return details.map((detail) => anyUnpack(detail, ErrorInfoSchema)).find((info) => info !== undefined);
}
