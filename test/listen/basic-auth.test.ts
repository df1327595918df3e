/** Who is let in, and what the others read, protocol by protocol. */
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { credentials, Client as GrpcClient, status as grpcStatus, Metadata, type ServiceError } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { ProcessService } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { requires } from "../support/requires.ts";
import { basic, daemonClient, password, protocols, serveTls, tlsOptions, transportTo } from "./serve-tls.ts";

const infoPath = "/pm.v1.DaemonService/GetInfo";

describe.each(protocols)("%s", (protocol) => {
  it("is let in with a user's password", async () => {
    const { port } = await serveTls();
    expect((await daemonClient(port, protocol).getInfo({})).version).toBe("test");
  });

  it.each([
    ["without credentials", "", Code.Unauthenticated],
    ["with another scheme", "Bearer abc", Code.Unauthenticated],
    ["with a wrong password", basic("ann", "guess"), Code.PermissionDenied],
    ["with an unknown user", basic("nobody", password), Code.PermissionDenied],
    ["with malformed credentials", "Basic %%%", Code.PermissionDenied],
  ])("is refused %s, unary and stream", async (_name, authorization, code) => {
    let called = false;
    const { port } = await serveTls({
      streamOutput: async function* () {
        called = true;
        yield {};
      },
    });
    const unary = daemonClient(port, protocol, authorization).getInfo({});
    await expect(unary).rejects.toMatchObject({ code });
    const client = createClient(ProcessService, transportTo(port, protocol, authorization));
    const stream = client.streamOutput({})[Symbol.asyncIterator]();
    await expect(stream.next()).rejects.toMatchObject({ code });
    expect(called).toBe(false);
  });

  it("is told to wait after too many failures, and others are not", async () => {
    const { port } = await serveTls({}, {}, { failures: { burst: 2, refillMs: 60_000 } });
    const right = daemonClient(port, protocol);
    await right.getInfo({});
    for (let i = 0; i < 2; i++) {
      const wrong = daemonClient(port, protocol, basic("ann", `guess ${i}`)).getInfo({});
      await expect(wrong).rejects.toMatchObject({ code: Code.PermissionDenied });
    }
    const limited = daemonClient(port, protocol, basic("ann", "guess 3")).getInfo({});
    // The gRPC clients of connect-es look at the HTTP status first, and find 200 with the status in the headers.
    await expect(limited).rejects.toMatchObject({ code: Code.ResourceExhausted });
    expect((await right.getInfo({})).version).toBe("test");
  });
});

test("Connect's unary errors carry the reason", async () => {
  const { port } = await serveTls();
  const reasonOf = async (authorization: string) => {
    const error = await daemonClient(port, "connect", authorization)
      .getInfo({})
      .catch((e: unknown) => e);
    return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason;
  };
  expect(await reasonOf("")).toBe("UNAUTHENTICATED");
  expect(await reasonOf(basic("ann", "guess"))).toBe("PERMISSION_DENIED");
});

test.each([
  "application/grpc",
  "application/grpc+proto",
  "application/grpc-web+proto",
  "application/connect+proto",
  "application/json",
  "text/plain",
])("the status on the wire for %s is 401 or 403, with no byte of the body read", async (contentType) => {
  const { port } = await serveTls();
  const session = connectHttp2(`https://localhost:${port}`, tlsOptions);
  onTestFinished(() => session.destroy());
  const answerTo = (authorization: string | undefined) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const stream = session.request(
        {
          ":method": "POST",
          ":path": infoPath,
          "content-type": contentType,
          ...(authorization !== undefined && { authorization }),
        },
        { endStream: false },
      );
      // The body never comes: the answer does all the same.
      stream.once("response", resolve);
      stream.once("error", reject);
      stream.resume();
    });
  const missing = await answerTo(undefined);
  expect(missing[":status"]).toBe(401);
  expect(missing["www-authenticate"]).toBe('Basic realm="pm", charset="UTF-8"');
  const wrong = await answerTo(basic("ann", "guess"));
  expect(wrong[":status"]).toBe(403);
  if (contentType.startsWith("application/grpc")) {
    expect([missing["grpc-status"], wrong["grpc-status"]]).toEqual(["16", "7"]);
  } else {
    expect(wrong["content-type"]).toBe("application/json");
  }
});

test("a refused HTTP/1.1 client reads its answer first and may still write its body", async () => {
  const { port } = await serveTls();
  const socket = connectTls({ host: "localhost", port, ...tlsOptions, ALPNProtocols: ["http/1.1"] });
  onTestFinished(() => {
    socket.destroy();
  });
  const ended = new Promise<string>((resolve, reject) => {
    socket.once("end", () => resolve("by the server"));
    socket.once("error", reject);
  });
  const answer = new Promise<string>((resolve) => socket.once("data", (bytes: Buffer) => resolve(bytes.toString())));
  socket.write(
    `POST ${infoPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n`,
  );
  expect(await answer).toMatch(/^HTTP\/1\.1 401 /);
  // A request of another connection takes longer than a close would: this one is still open.
  await expect(daemonClient(port, "connect", "").getInfo({})).rejects.toMatchObject({ code: Code.Unauthenticated });
  expect(socket.readyState).toBe("open");
  await new Promise<void>((resolve, reject) => {
    socket.write("{}", (error) => (error ? reject(error) : resolve()));
  });
  expect(await ended).toBe("by the server");
});

describe("grpc-js", () => {
  function call(port: number, authorization: string | undefined): Promise<ServiceError | Uint8Array | undefined> {
    const channel = credentials.createSsl(
      Buffer.from(tlsOptions.ca),
      Buffer.from(tlsOptions.key),
      Buffer.from(tlsOptions.cert),
    );
    const client = new GrpcClient(`localhost:${port}`, channel);
    onTestFinished(() => client.close());
    const metadata = new Metadata();
    if (authorization !== undefined) {
      metadata.set("authorization", authorization);
    }
    const same = (bytes: Buffer) => bytes;
    return new Promise((resolve) => {
      client.makeUnaryRequest(infoPath, same, same, Buffer.alloc(0), metadata, (error, value) =>
        resolve(error ?? value),
      );
    });
  }

  it("reads PERMISSION_DENIED, UNAUTHENTICATED and RESOURCE_EXHAUSTED", async () => {
    const { port } = await serveTls({}, {}, { failures: { burst: 1, refillMs: 60_000 } });
    expect(await call(port, basic())).toBeInstanceOf(Uint8Array);
    expect(await call(port, undefined)).toMatchObject({ code: grpcStatus.UNAUTHENTICATED });
    expect(await call(port, basic("ann", "guess"))).toMatchObject({ code: grpcStatus.PERMISSION_DENIED });
    expect(await call(port, basic("ann", "guess 2"))).toMatchObject({ code: grpcStatus.RESOURCE_EXHAUSTED });
  });
});

const curl = requires("curl", spawnSync("curl", ["--version"]).status === 0);

describe.skipIf(!curl)("curl", () => {
  async function run(args: readonly string[], body = "{}"): Promise<{ status: number; body: string }> {
    const { port, directory } = await serveTls();
    for (const [name, text] of Object.entries(tlsOptions)) {
      writeFileSync(join(directory, `${name}.pem`), text, { mode: 0o600 });
    }
    const child = spawn("curl", [
      ...["-sS", "-w", "\n%{http_code}", "--cacert", join(directory, "ca.pem")],
      ...["--cert", join(directory, "cert.pem"), "--key", join(directory, "key.pem")],
      ...["-H", "content-type: application/json", "--data-binary", "@-", ...args],
      `https://localhost:${port}${infoPath}`,
    ]);
    child.stdin.on("error", () => {});
    child.stdin.end(body);
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    let failure = "";
    child.stderr.on("data", (chunk: Buffer) => {
      failure += chunk.toString();
    });
    await new Promise((resolve) => child.once("close", resolve));
    expect(failure).toBe("");
    const cut = output.lastIndexOf("\n");
    return { status: Number(output.slice(cut + 1)), body: output.slice(0, cut) };
  }

  it.each(["--http1.1", "--http2"])("reads 200, 401 and 403 over %s", async (version) => {
    expect(await run([version, "-u", `ann:${password}`])).toEqual({ status: 200, body: '{"version":"test"}' });
    expect(await run([version])).toMatchObject({ status: 401 });
    const refused = await run([version, "-u", "ann:guess"]);
    expect(refused.status).toBe(403);
    expect(JSON.parse(refused.body)).toMatchObject({
      code: "permission_denied",
      details: [{ type: "google.rpc.ErrorInfo", debug: { reason: "PERMISSION_DENIED", domain: "pm" } }],
    });
  });

  it.each(["--http1.1", "--http2"])("reads 403 over %s though it meant to send megabytes", async (version) => {
    const args = [version, "-u", "ann:guess", "-H", "expect:"];
    expect(await run(args, " ".repeat(200_000))).toMatchObject({ status: 403 });
  });
});

test("the log names the peer and a user that exists, and never a password or an unknown name", async () => {
  const { port, logged } = await serveTls();
  await daemonClient(port, "connect", basic("ann", "Geheimnis"))
    .getInfo({})
    .catch(() => {});
  await daemonClient(port, "grpc", basic("hunter2", "Geheimnis"))
    .getInfo({})
    .catch(() => {});
  await daemonClient(port).getInfo({});
  expect(logged()).toContain('"peer":"127.0.0.1","user":"ann","msg":"refused credentials"');
  expect(logged()).toContain('"user":"(unknown)"');
  for (const secret of ["Geheimnis", "hunter2", password, basic(), basic("ann", "Geheimnis").slice(6), "$scrypt"]) {
    expect(logged()).not.toContain(secret);
  }
});

test("a connection that never authenticates is closed, and one that does stays", async () => {
  const { port } = await serveTls({}, { authenticationTimeoutMs: 300 });
  const session = connectHttp2(`https://localhost:${port}`, tlsOptions);
  const idle = connectTls({ host: "localhost", port, ...tlsOptions });
  onTestFinished(() => session.destroy());
  idle.on("error", () => {});
  const request = () =>
    new Promise((resolve, reject) => {
      const stream = session.request({
        ":method": "POST",
        ":path": infoPath,
        "content-type": "application/json",
        authorization: basic(),
      });
      stream.end("{}");
      stream.once("response", (headers) => resolve(headers[":status"]));
      stream.once("error", reject);
      stream.resume();
    });
  expect(await request()).toBe(200);
  await new Promise((resolve) => idle.once("close", resolve));
  expect(await request()).toBe(200);
});
