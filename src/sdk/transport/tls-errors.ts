/**
 * What a failed TLS connection means, and what to do about it. The codes are
 * Node.js's (https://nodejs.org/api/tls.html#x509-certificate-error-codes) and
 * OpenSSL's reasons behind `ERR_SSL_`.
 */
import { X509Certificate } from "node:crypto";
import { type Destination, describeEndpoint } from "../endpoint.ts";
import { PmError } from "../errors.ts";

interface Explanation {
  readonly reason: "TLS_SERVER_UNTRUSTED" | "TLS_CLIENT_REJECTED" | "TLS_FAILED";
  readonly what: string;
  readonly hint?: string;
}

const unknownAuthority: Explanation = {
  reason: "TLS_SERVER_UNTRUSTED",
  what: "the daemon's certificate is not issued by an authority that this client trusts",
  hint: "give the authority's certificate: `ca` of the context, or PM_TLS_CA",
};

const explanations: Readonly<Record<string, Explanation>> = {
  CERT_HAS_EXPIRED: {
    reason: "TLS_SERVER_UNTRUSTED",
    what: "the daemon's certificate, or its authority's, has expired",
    hint: "renew it on the daemon's machine ('pm cert' there shows the dates); the daemon takes new files at once",
  },
  CERT_NOT_YET_VALID: {
    reason: "TLS_SERVER_UNTRUSTED",
    what: "the daemon's certificate is not valid yet",
    hint: "compare the clocks of the two machines",
  },
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  INVALID_PURPOSE: {
    reason: "TLS_SERVER_UNTRUSTED",
    what: "the daemon shows a certificate that is not for servers",
    hint: "issue one with the extended key usage serverAuth",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    reason: "TLS_SERVER_UNTRUSTED",
    what: "the daemon's certificate is for another name",
    hint: "use one of its names as the host, or issue it for this one",
  },
};

/** The error for a TLS failure with this code; undefined if the code is none of TLS. */
export function tlsError(destination: Destination, code: string, cause: Error): PmError | undefined {
  const explanation = explanations[code] ?? explainByPattern(destination, code, cause);
  if (explanation === undefined) {
    return undefined;
  }
  const { reason, what, hint } = explanation;
  const detail = code === "ERR_TLS_CERT_ALTNAME_INVALID" ? ` (it is for ${altNames(cause)})` : "";
  return new PmError(reason, `no secure connection to ${describeEndpoint(destination)}: ${what}${detail}`, {
    code: reason === "TLS_CLIENT_REJECTED" ? "unauthenticated" : "unavailable",
    metadata: { tls_code: code },
    ...(hint !== undefined && { hint }),
    cause,
  });
}

/**
 * The error for a connection that the daemon closed right after the handshake
 * without a word: a server on Node.js does that to a client certificate that it
 * does not accept.
 */
export function clientRejectedError(destination: Destination, cause: unknown): PmError {
  const { what, hint } = clientCertificateProblem(destination);
  return new PmError("TLS_CLIENT_REJECTED", `no secure connection to ${describeEndpoint(destination)}: ${what}`, {
    code: "unauthenticated",
    hint,
    cause,
  });
}

function explainByPattern(destination: Destination, code: string, cause: Error): Explanation | undefined {
  if (/^ERR_SSL_.*ALERT.*(CERTIFICATE|UNKNOWN_CA)/.test(code)) {
    return { reason: "TLS_CLIENT_REJECTED", ...clientCertificateProblem(destination) };
  }
  if (/^ERR_SSL_.*ALERT_(PROTOCOL_VERSION|HANDSHAKE_FAILURE)|^ERR_SSL_WRONG_VERSION_NUMBER/.test(code)) {
    return {
      reason: "TLS_FAILED",
      what: "there is no TLS 1.3 with a cipher suite of pm's on the other side",
      hint: "does a pm daemon listen on that port?",
    };
  }
  if (/^(?!ERR_).*(CERT|CRL|LEAF_SIGNATURE|INVALID_CA|PATH_LENGTH|HOSTNAME)/.test(code)) {
    return { reason: "TLS_SERVER_UNTRUSTED", what: `the daemon's certificate cannot be trusted: ${cause.message}` };
  }
  if (/^ERR_OSSL_/.test(code)) {
    return {
      reason: "TLS_FAILED",
      what: "the client's own certificate, key or authority cannot be read",
      hint: "each must be a PEM file, the key without a passphrase",
    };
  }
  return /^(ERR_SSL_|ERR_TLS_|EPROTO)/.test(code) ? { reason: "TLS_FAILED", what: `TLS failed (${code})` } : undefined;
}

function clientCertificateProblem(destination: Destination): { what: string; hint: string } {
  const cert = destination.kind === "https" ? destination.tls.cert : undefined;
  if (cert === undefined) {
    return {
      what: "the daemon wants a client certificate, and this client has none",
      hint: "give one: `cert` and `key` of the context, or PM_TLS_CERT and PM_TLS_KEY",
    };
  }
  const expiry = expiryOf(cert);
  if (expiry !== undefined && expiry.getTime() < Date.now()) {
    return {
      what: `the client's certificate expired on ${expiry.toISOString()}`,
      hint: "ask for a new one from whoever runs the daemon's client authority",
    };
  }
  return {
    what: "the daemon closed the connection after the handshake; most likely it does not accept the client's certificate",
    hint: "it must be issued by the daemon's client authority, and for clients; the daemon's log says why it refused",
  };
}

function expiryOf(cert: string | Uint8Array): Date | undefined {
  try {
    return new X509Certificate(cert).validToDate;
  } catch {
    return undefined; // OpenSSL has read it; then only its date stays unknown.
  }
}

function altNames(cause: Error): string {
  const names = "cert" in cause && typeof cause.cert === "object" && cause.cert !== null ? cause.cert : {};
  const text = "subjectaltname" in names && typeof names.subjectaltname === "string" ? names.subjectaltname : "";
  return text.replaceAll(/(?:DNS|IP Address):/g, "") || "no name at all";
}
