import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { file_google_rpc_error_details } from "../../../../gen/ts/google/rpc/error_details_pb.ts";
import { ServerReflection } from "../../../../gen/ts/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as V1Alpha } from "../../../../gen/ts/grpc/reflection/v1alpha/reflection_pb.ts";
import { DaemonService } from "../../../../gen/ts/pm/v1/daemon_service_pb.ts";
import { ProcessService } from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import { addReflection } from "../../../../src/server/rpc/services/reflection.ts";

const transport = createRouterTransport((router) =>
  addReflection(router, {
    services: [ProcessService, DaemonService, ServerReflection],
    extraFiles: [file_google_rpc_error_details],
  }),
);

describe.each([
  ["v1", ServerReflection],
  ["v1alpha", V1Alpha as unknown as typeof ServerReflection],
] as const)("reflection %s", (_version, service) => {
  const client = createClient(service, transport);
  type Ask = Parameters<typeof client.serverReflectionInfo>[0] extends AsyncIterable<infer T> ? T : never;
  async function ask(messageRequest: Ask["messageRequest"]) {
    async function* requests(): AsyncGenerator<Ask> {
      yield { host: "h", messageRequest } as Ask;
    }
    const responses = [];
    for await (const response of client.serverReflectionInfo(requests())) {
      responses.push(response);
    }
    expect(responses).toHaveLength(1);
    const [response] = responses;
    expect(response?.originalRequest?.messageRequest).toMatchObject({ case: messageRequest?.case });
    return response?.messageResponse;
  }

  it("lists the services", async () => {
    const answer = await ask({ case: "listServices", value: "" });
    expect(answer).toMatchObject({
      case: "listServicesResponse",
      value: {
        service: [
          { name: "grpc.reflection.v1.ServerReflection" },
          { name: "pm.v1.DaemonService" },
          { name: "pm.v1.ProcessService" },
        ],
      },
    });
  });

  it.each([
    ["pm.v1.ProcessService", "pm/v1/process_service.proto"],
    ["pm.v1.ProcessService.StartProcess", "pm/v1/process_service.proto"],
    [".pm.v1.ExitStatus", "pm/v1/run.proto"],
    ["pm.v1.ProcessSpec.executable", "pm/v1/spec.proto"],
    ["pm.v1.ErrorReason", "pm/v1/errors.proto"],
    ["google.rpc.ErrorInfo", "google/rpc/error_details.proto"],
    ["google.protobuf.Timestamp", "google/protobuf/timestamp.proto"],
  ])("finds the file of %s, with all that it imports", async (symbol, file) => {
    const answer = await ask({ case: "fileContainingSymbol", value: symbol });
    if (answer?.case !== "fileDescriptorResponse") {
      throw new Error(`answered ${answer?.case}`);
    }
    const protos = answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    expect(protos[0]?.name).toBe(file);
    // Complete: a registry can be built of it alone.
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: protos.reverse() }));
    expect(registry.getFile(file)).toBeDefined();
  });

  it("finds a file by its name", async () => {
    const answer = await ask({ case: "fileByFilename", value: "pm/v1/errors.proto" });
    expect(answer?.case).toBe("fileDescriptorResponse");
  });

  it.each([
    [{ case: "fileByFilename", value: "/etc/passwd" } as const],
    [{ case: "fileContainingSymbol", value: "" } as const],
    [{ case: "fileContainingSymbol", value: "pm.v1.Nothing" } as const],
    [{ case: "fileContainingSymbol", value: "pm.v1.ProcessSpec.nothing" } as const],
    [{ case: "allExtensionNumbersOfType", value: "x" } as const],
  ])("answers NOT_FOUND inside the stream to %j", async (request) => {
    expect(await ask(request)).toMatchObject({ case: "errorResponse", value: { errorCode: Code.NotFound } });
  });

  it("answers INVALID_ARGUMENT to an empty request", async () => {
    expect(await ask({ case: undefined })).toMatchObject({
      case: "errorResponse",
      value: { errorCode: Code.InvalidArgument },
    });
  });
});
