/** Stock clients of either listener that keep to one connection, and count. */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { onTestFinished } from "vitest";
import { basic, tlsOptions } from "./serve-tls.ts";

export interface Kept {
  readonly transport: Transport;
  readonly connections: () => number;
}

export const protocols = ["connect", "grpc", "grpc-web", "connect over HTTP/1.1", "grpc-web over HTTP/1.1"] as const;
export type Protocol = (typeof protocols)[number];

export function kept(protocol: Protocol, place: { readonly path: string } | { readonly port: number }): Kept {
  let connections = 0;
  const counted = <T>(made: T): T => {
    connections++;
    return made;
  };
  const isLocal = "path" in place;
  const baseUrl = isLocal ? "http://localhost" : `https://localhost:${place.port}`;
  const interceptors: Parameters<typeof createConnectTransport>[0]["interceptors"] = [
    (next) => (request) => {
      request.header.set("authorization", basic());
      return next(request);
    },
  ];
  if (protocol.endsWith("HTTP/1.1")) {
    const agent = isLocal
      ? new HttpAgent({ keepAlive: true, maxSockets: 1 })
      : new HttpsAgent({ keepAlive: true, maxSockets: 1, ...tlsOptions });
    onTestFinished(() => agent.destroy());
    const create = agent.createConnection.bind(agent);
    agent.createConnection = (...args) => counted(create(...args));
    const nodeOptions = isLocal ? { agent, socketPath: place.path } : { agent };
    const options = { httpVersion: "1.1", baseUrl, nodeOptions, interceptors } as const;
    const isConnect = protocol.startsWith("connect");
    return {
      transport: isConnect ? createConnectTransport(options) : createGrpcWebTransport(options),
      connections: () => connections,
    };
  }
  const open = (): Socket =>
    isLocal
      ? connect(place.path)
      : connectTls({ host: "localhost", port: place.port, ...tlsOptions, ALPNProtocols: ["h2"] });
  const nodeOptions = { createConnection: () => counted(open()) };
  const options = { httpVersion: "2", baseUrl, nodeOptions, interceptors } as const;
  const make = { connect: createConnectTransport, grpc: createGrpcTransport, "grpc-web": createGrpcWebTransport };
  return { transport: make[protocol as keyof typeof make](options), connections: () => connections };
}
