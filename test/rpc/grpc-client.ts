/** A stock gRPC client that speaks the contract by its descriptors. */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type ChannelCredentials,
  Client,
  type ClientOptions,
  type ClientReadableStream,
  credentials,
  Metadata,
} from "@grpc/grpc-js";
import { onTestFinished } from "vitest";

export interface GrpcClient {
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>>;
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
  ): ClientReadableStream<MessageShape<O>>;
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function serializer<T extends DescMessage>(type: T): (message: MessageShape<T>) => Buffer {
  return (message) => Buffer.from(toBinary(type, message));
}

function deserializer<T extends DescMessage>(type: T): (bytes: Buffer) => MessageShape<T> {
  return (bytes) => fromBinary(type, bytes);
}

/** grpc-js sends an authority of its own making, stock Python the socket's path, percent-encoded. */
export function grpcClient(socketPath: string): GrpcClient {
  return grpcClientTo(`unix:${socketPath}`, credentials.createInsecure());
}

export function grpcClientTo(
  target: string,
  channel: ChannelCredentials,
  { authorization, ...options }: ClientOptions & { readonly authorization?: string } = {},
): GrpcClient {
  const client = new Client(target, channel, options);
  const metadata = new Metadata();
  if (authorization !== undefined) {
    metadata.set("authorization", authorization);
  }
  onTestFinished(() => client.close());
  return {
    unary: (method, request) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          pathOf(method),
          serializer(method.input),
          deserializer(method.output),
          create(method.input, request),
          metadata,
          (error, response) => {
            if (response === undefined) {
              reject(error);
            } else {
              resolve(response);
            }
          },
        );
      }),
    stream: (method, request) =>
      client.makeServerStreamRequest(
        pathOf(method),
        serializer(method.input),
        deserializer(method.output),
        create(method.input, request),
        metadata,
      ),
  };
}
