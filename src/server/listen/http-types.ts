/** What the listeners hand around of Node.js's HTTP, version 1 and 2 alike. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Caller } from "../rpc/caller.ts";

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

export interface Exchange {
  readonly request: NodeRequest;
  readonly response: NodeResponse;
}

/** Serves what came over a connection, whoever makes the call. */
export type HttpHandler = (request: NodeRequest, response: NodeResponse, connection: Connection) => void;

/** Serves a call whose caller is known. */
export type RequestHandler = (request: NodeRequest, response: NodeResponse, caller: CallerOnConnection) => void;

export interface Connection {
  /** One of the few that are kept for short calls when all others are taken. */
  readonly reserved: boolean;
}

export interface CallerOnConnection extends Caller, Connection {}
