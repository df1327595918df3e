/**
 * Server reflection (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md),
 * v1 and v1alpha, which differ in the package's name only: grpcurl, `buf curl`
 * and Postman find the contract at the daemon itself, with its comments where
 * the build has put them.
 */
import { readFileSync } from "node:fs";
import {
  create,
  createFileRegistry,
  type DescFile,
  type DescService,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "../../../../gen/ts/grpc/reflection/v1/reflection_pb.ts";
import {
  ServerReflectionRequestSchema as ServerReflectionRequestV1AlphaSchema,
  ServerReflectionResponseSchema as ServerReflectionResponseV1AlphaSchema,
  ServerReflection as ServerReflectionV1Alpha,
} from "../../../../gen/ts/grpc/reflection/v1alpha/reflection_pb.ts";
import { reasonError } from "../errors.ts";

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/** A client may list and fetch; no client needs more in one stream. */
const maxRequestsPerStream = 10_000;

export interface Reflected {
  readonly services: readonly DescService[];
  /** Files that only error details use. */
  readonly extraFiles?: readonly DescFile[];
  /**
   * Path of the same contract as a FileDescriptorSet with comments, which generated code has not.
   * Without it clients get the contract without comments.
   */
  readonly descriptorFile?: string | undefined;
}

/** Adds both versions. */
export function addReflection(router: ConnectRouter, reflected: Reflected): void {
  // Made when somebody first asks: few daemons are ever asked, and all have to start quickly.
  let answersOnce: ReturnType<typeof answers> | undefined;
  const answer = (request: ServerReflectionRequest) => {
    answersOnce ??= answers(reflected);
    return answersOnce(request);
  };
  router.service(ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const request of atMost(maxRequestsPerStream, requests)) {
        yield responseTo(request, answer);
      }
    },
  });
  router.service(ServerReflectionV1Alpha, {
    async *serverReflectionInfo(requests) {
      for await (const request of atMost(maxRequestsPerStream, requests)) {
        const same = fromBinary(ServerReflectionRequestSchema, toBinary(ServerReflectionRequestV1AlphaSchema, request));
        yield fromBinary(
          ServerReflectionResponseV1AlphaSchema,
          toBinary(ServerReflectionResponseSchema, responseTo(same, answer)),
        );
      }
    },
  });
}

async function* atMost<T>(limit: number, items: AsyncIterable<T>): AsyncGenerator<T> {
  let count = 0;
  for await (const item of items) {
    if (++count > limit) {
      throw reasonError("LIMIT_EXCEEDED", `at most ${limit} requests in one stream`, { limit: "reflection_requests" });
    }
    yield item;
  }
}

function responseTo(request: ServerReflectionRequest, answer: (request: ServerReflectionRequest) => Answer) {
  return create(ServerReflectionResponseSchema, {
    validHost: request.host,
    originalRequest: request,
    messageResponse: answer(request),
  });
}

function answers({
  services,
  extraFiles = [],
  descriptorFile,
}: Reflected): (request: ServerReflectionRequest) => Answer {
  const commented = new Map(
    descriptorFile === undefined ? [] : readDescriptors(descriptorFile).map((file) => [file.name, file]),
  );
  const files = new Map<string, DescFile>();
  for (const file of [...services.map((service) => service.file), ...extraFiles]) {
    addWithDependencies(files, commented.get(file.name) ?? file);
  }
  const registry = createFileRegistry({
    $typeName: "google.protobuf.FileDescriptorSet",
    file: [...files.values()].map(({ proto }) => proto),
  });

  /** The file that defines a message, enum, service, method, field or enum value. */
  const fileOfSymbol = (symbol: string): string | undefined => {
    const name = symbol.replace(/^\./, "");
    const parent = name.slice(0, Math.max(0, name.lastIndexOf(".")));
    const member = name.slice(parent.length + 1);
    const found = registry.get(name) ?? memberOf(registry.get(parent), member);
    return found && `${found.file.name}.proto`;
  };

  return ({ messageRequest }: ServerReflectionRequest): Answer => {
    switch (messageRequest.case) {
      case "listServices":
        return {
          case: "listServicesResponse",
          value: { service: services.map(({ typeName }) => ({ name: typeName })).sort(byName) },
        };
      case "fileByFilename":
        return fileAnswer(files.get(messageRequest.value));
      case "fileContainingSymbol":
        return fileAnswer(files.get(fileOfSymbol(messageRequest.value) ?? ""));
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = messageRequest.value;
        const message = registry.getMessage(containingType);
        const extension = message && registry.getExtensionFor(message, extensionNumber);
        return fileAnswer(extension && files.get(`${extension.file.name}.proto`));
      }
      case "allExtensionNumbersOfType": {
        const message = registry.getMessage(messageRequest.value);
        if (message === undefined) {
          return notFound("no such message type");
        }
        const extensionNumber = [...registry]
          .filter((type) => type.kind === "extension" && type.extendee.typeName === message.typeName)
          .map((type) => (type.kind === "extension" ? type.number : 0));
        return { case: "allExtensionNumbersResponse", value: { baseTypeName: message.typeName, extensionNumber } };
      }
      default:
        return failure(Code.InvalidArgument, "an empty request");
    }
  };
}

function readDescriptors(path: string): DescFile[] {
  return [...createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(path))).files];
}

function addWithDependencies(files: Map<string, DescFile>, file: DescFile): void {
  const name = `${file.name}.proto`;
  if (!files.has(name)) {
    for (const dependency of file.dependencies) {
      addWithDependencies(files, dependency);
    }
    // After its dependencies: a registry is built in this order.
    files.set(name, file);
  }
}

type Registry = ReturnType<typeof createFileRegistry>;
type Type = NonNullable<ReturnType<Registry["get"]>>;

function memberOf(parent: Type | undefined, member: string): Type | undefined {
  switch (parent?.kind) {
    case "message":
      return parent.members.some(({ name }) => name === member) ? parent : undefined;
    case "service":
      return parent.methods.some(({ name }) => name === member) ? parent : undefined;
    default:
      return undefined;
  }
}

/** The file with all that it imports, dependencies first, as most clients want them at once. */
function fileAnswer(file: DescFile | undefined): Answer {
  if (file === undefined) {
    return notFound("nothing by this name");
  }
  const all = new Map<string, DescFile>();
  addWithDependencies(all, file);
  const fileDescriptorProto = [...all.values()]
    .reverse()
    .map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto) as Uint8Array<ArrayBuffer>);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function notFound(message: string): Answer {
  return failure(Code.NotFound, message);
}

function failure(code: Code, message: string): Answer {
  return { case: "errorResponse", value: { errorCode: code, errorMessage: message } };
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
