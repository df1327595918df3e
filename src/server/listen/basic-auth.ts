/** Lets through only requests with a user's name and password (RFC 7617), decided before a body is read. */
import type { Authenticator, AuthResult } from "../auth/authenticator.ts";
import type { Log } from "../log.ts";
import { reasonError } from "../rpc/errors.ts";
import type { HttpHandler, NodeRequest, RequestHandler } from "./http-types.ts";
import { type Refusal, refuse } from "./refusal.ts";

export interface BasicAuthOptions {
  readonly authenticator: Authenticator;
  readonly handler: RequestHandler;
  readonly log: Log;
  /** Fingerprint of the certificate that the client of this request showed. */
  readonly certificateOf?: (request: NodeRequest) => string | undefined;
  /** Told of each request that is let through, before the handler gets it. */
  readonly onAccepted?: (request: NodeRequest) => void;
}

export function requireBasicAuth({
  authenticator,
  handler,
  log,
  certificateOf,
  onAccepted,
}: BasicAuthOptions): HttpHandler {
  return (request, response, connection) => {
    // Without a listener an error of either ends the process.
    request.on("error", () => {});
    response.on("error", () => {});
    const peer = request.socket.remoteAddress ?? "unknown";
    const authorization = request.headers.authorization;
    // Nobody after this needs it, and what nobody has cannot be logged.
    delete request.headers.authorization;
    authenticator.authenticate(peer, authorization, certificateOf?.(request)).then(
      (result) => {
        if (response.destroyed) {
          return;
        }
        if (result.outcome === "accepted") {
          onAccepted?.(request);
          handler(request, response, { ...connection, principal: result.user, peer });
          return;
        }
        logRefusal(log, peer, result);
        refuse(request, response, refusalOf(result));
      },
      (error: unknown) => {
        log.error({ err: error, peer }, "could not verify credentials");
        refuse(request, response, busy);
      },
    );
  };
}

type Refused = Exclude<AuthResult, { readonly outcome: "accepted" }>;

const busy: Refusal = {
  status: 503,
  error: reasonError("RATE_LIMITED", "too many credentials wait to be verified; try again", {
    retry_after_seconds: "1",
  }),
  headers: { "retry-after": "1" },
};

function refusalOf(result: Refused): Refusal {
  switch (result.outcome) {
    case "missing":
      return {
        status: 401,
        error: reasonError("UNAUTHENTICATED", "the daemon wants a user's name and password"),
        headers: { "www-authenticate": 'Basic realm="pm", charset="UTF-8"' },
      };
    case "refused":
      return { status: 403, error: reasonError("PERMISSION_DENIED", "the user's name or password is wrong") };
    case "limited": {
      const seconds = String(Math.ceil(result.retryAfterMs / 1000));
      return {
        status: 429,
        error: reasonError("RATE_LIMITED", `too many wrong passwords from this address; try again in ${seconds} s`, {
          retry_after_seconds: seconds,
        }),
        headers: { "retry-after": seconds },
      };
    }
    case "busy":
      return busy;
  }
}

/** Never the password, and a name only if such a user exists: people type passwords into the wrong field. */
function logRefusal(log: Log, peer: string, result: Refused): void {
  switch (result.outcome) {
    case "missing":
      log.debug({ peer }, "refused a request without credentials");
      return;
    case "refused":
      log.warn({ peer, user: result.user ?? "(unknown)" }, "refused credentials");
      return;
    case "limited":
      log.debug({ peer, retryAfterMs: result.retryAfterMs }, "refused a peer that failed too often");
      return;
    case "busy":
      log.warn({ peer }, "refused a request: too many credentials wait to be verified");
  }
}
