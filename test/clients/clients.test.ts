/**
 * The client table: what each client, of which we wrote none, sees of the
 * daemon over the unix socket and over TLS. Every one must see the same.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { issueClientCertificate } from "../../src/pki/certificates.ts";
import { hashPassword } from "../../src/server/auth/password-hash.ts";
import { pki } from "../listen/serve-tls.ts";
import { launchDaemon, type TestDaemon, tcpPort } from "../support/daemon.ts";
import { requires } from "../support/requires.ts";
import { bufCurl, curl } from "./command-line.ts";
import { connectEs } from "./connect-es.ts";
import { grpcJs } from "./grpc-js.ts";
import { type ClientRun, type Outcome, type Place, runTool, script } from "./place.ts";

const root = join(import.meta.dirname, "../..");
const directory = mkdtempSync(join(tmpdir(), "pm-clients-"));
const goBinaries = join(directory, "go");
const pythonCode = join(directory, "python");
/** Wheels are installed once a version; a fresh checkout installs them again. */
const pythonPackages = join(root, "node_modules/.cache/pm-python-grpcio-1.85.1");

const has = {
  go: requires("go", works("go", "version")),
  curl: requires(
    "curl with HTTP/2",
    /\bHTTP2\b/.test(spawnSync("curl", ["--version"], { encoding: "utf8" }).stdout ?? ""),
  ),
  python: requires("python3 with pip", works("python3", "-m", "pip", "--version")),
};

function works(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text, { mode: 0o600 });
  return join(directory, name);
};
const password = "pass: w\u00f6rd";
const files = {
  ca: file("ca.crt", pki.authority.certificate),
  cert: file("client.crt", pki.client.certificate),
  key: file("client.key", pki.client.key),
  password: file("password", `${password}\n`),
};

const wrongPassword = file("wrong-password", "wrong\n");

let daemon: TestDaemon;
let places: Record<Place["name"], Place>;

beforeAll(async () => {
  file("server.crt", pki.server.certificate);
  file("server.key", pki.server.key);
  file("users", `ann:${await hashPassword(password, { ln: 10, r: 8, p: 1 })}\n`);
  const tcp = "certificate: server.crt, key: server.key, clientAuthority: ca.crt, users: users";
  const config = file("daemon.yaml", `tcp: { listen: "localhost:0", ${tcp} }\n`);
  daemon = await launchDaemon({ args: ["--config", config] });
  const port = await tcpPort(daemon);
  const common = { files, user: "ann", password };
  places = {
    unix: { ...common, name: "unix", address: `unix://${daemon.socketPath}` },
    mTLS: { ...common, name: "mTLS", address: `https://localhost:${port}` },
  };
  if (has.go) {
    execFileSync("go", ["build", "-o", join(goBinaries, "client"), "."], { cwd: join(import.meta.dirname, "go") });
    execFileSync("go", ["build", "-o", goBinaries, "./connect", "./grpc"], { cwd: join(root, "examples/go") });
  }
  if (has.python) {
    preparePython();
  }
}, 300_000);

afterAll(async () => {
  await daemon?.close();
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

function preparePython(): void {
  if (!existsSync(pythonPackages)) {
    const requirements = join(import.meta.dirname, "requirements.txt");
    const options = ["-q", "--disable-pip-version-check", "--no-deps"];
    const staging = join(directory, "packages");
    execFileSync("python3", ["-m", "pip", "install", ...options, "--target", staging, "-r", requirements]);
    mkdirSync(join(pythonPackages, ".."), { recursive: true });
    execFileSync("cp", ["-r", staging, pythonPackages]);
  }
  mkdirSync(pythonCode);
  const protos = readdirSync(join(root, "proto/pm/v1")).map((name) => `pm/v1/${name}`);
  execFileSync(
    "python3",
    [
      ...["-m", "grpc_tools.protoc", "-I", join(root, "proto"), "-I", join(root, "third_party/proto")],
      ...[`--python_out=${pythonCode}`, `--grpc_python_out=${pythonCode}`],
      ...[...protos, "buf/validate/validate.proto", "google/rpc/error_details.proto", "google/rpc/status.proto"],
    ],
    { env: { ...process.env, PYTHONPATH: pythonPackages } },
  );
}

function parsed({ code, stdout, stderr }: { code: number | null; stdout: Buffer; stderr: string }): Outcome {
  if (code !== 0) {
    throw new Error(stderr);
  }
  return JSON.parse(stdout.toString()) as Outcome;
}

function goArguments(place: Place): string[] {
  const { ca, cert, key, password: passwordFile } = place.files;
  const tls = place.name === "unix" ? [] : ["-ca", ca, "-cert", cert, "-key", key];
  const user = place.name === "unix" || place.user === undefined ? [] : ["-user", place.user];
  return ["-address", place.address, ...tls, ...user, "-password-file", passwordFile];
}

function goClient(name: string): ClientRun {
  return async (place) =>
    parsed(
      await runTool(join(goBinaries, "client"), ["-client", name, ...goArguments(place)], {
        env: { PM_TEST_SCRIPT: script },
      }),
    );
}

const python: ClientRun = async (place) => {
  const { ca, cert, key, password: passwordFile } = place.files;
  return parsed(
    await runTool("python3", [join(import.meta.dirname, "client.py")], {
      env: {
        PYTHONPATH: `${pythonCode}:${pythonPackages}`,
        PYTHONDONTWRITEBYTECODE: "1",
        PM_TEST_ADDRESS: place.address,
        PM_TEST_CA: ca,
        PM_TEST_CERT: cert,
        PM_TEST_KEY: key,
        PM_TEST_USER: place.user ?? "",
        PM_TEST_PASSWORD_FILE: passwordFile,
        PM_TEST_SCRIPT: script,
      },
    }),
  );
};

const table: readonly (readonly [name: string, available: boolean, run: ClientRun])[] = [
  ["grpc-js", true, grpcJs],
  ["connect-es (Connect, HTTP/2)", true, connectEs("connect")],
  ["connect-es (Connect, HTTP/1.1)", true, connectEs("connect-1.1")],
  ["connect-es (gRPC)", true, connectEs("grpc")],
  ["connect-es (gRPC-Web)", true, connectEs("grpc-web")],
  ["grpc-go", has.go, goClient("grpc-go")],
  ["connect-go (Connect)", has.go, goClient("connect-go")],
  ["connect-go (gRPC)", has.go, goClient("connect-go-grpc")],
  ["connect-go (gRPC-Web)", has.go, goClient("connect-go-grpc-web")],
  ["buf curl (Connect)", true, bufCurl("connect")],
  ["buf curl (gRPC)", true, bufCurl("grpc")],
  ["buf curl (gRPC-Web)", true, bufCurl("grpcweb")],
  ["curl (JSON, HTTP/1.1)", has.curl, curl("--http1.1")],
  ["curl (JSON, HTTP/2)", has.curl, curl("--http2")],
  ["Python grpcio", has.python, python],
];

const lines = Array.from({ length: 3000 }, (_, i) => `line ${i} of the output\n`).join("");
const expected: Outcome = {
  error: ["FAILED_PRECONDITION", "START_FAILED", "ENOENT"],
  stream: [createHash("sha256").update(lines).digest("hex"), 3],
  cancel: "CANCELLED",
  deadline: "DEADLINE_EXCEEDED",
  stopped: true,
};

describe.each(table)("%s", (name, available, run) => {
  test.skipIf(!available).each(["unix", "mTLS"] as const)(
    "over %s: unary, stream to the end, cancel, deadline, error details",
    async (place) => {
      expect(await run(places[place])).toEqual(expected);
    },
  );

  test.skipIf(!available)(
    "with a wrong password is told PERMISSION_DENIED, without one UNAUTHENTICATED, and why",
    async () => {
      // A certificate of its own, so that the failures of one client make none of the others wait.
      const { certificate, key } = await issueClientCertificate(pki.authority, { name, days: 5 });
      const own = { ...files, cert: file("own.crt", certificate), key: file("own.key", key) };
      const withWrong = { ...own, password: wrongPassword };
      const wrong = await run({ ...places.mTLS, password: "wrong", files: withWrong, schema: root });
      const missing = await run({ ...places.mTLS, user: undefined, files: own, schema: root });
      expect([wrong, missing]).toMatchObject([{ refused: "PERMISSION_DENIED" }, { refused: "UNAUTHENTICATED" }]);
      if (/^(?:grpc-go|connect-)/.test(name)) {
        const twice = (reason: string) => ({ reasons: [reason, reason] });
        expect([wrong, missing]).toMatchObject([twice("PERMISSION_DENIED"), twice("UNAUTHENTICATED")]);
      }
    },
  );
});

describe.skipIf(!has.go)("the Go examples", () => {
  test.each(["connect", "grpc"])("%s starts, streams to the end and stops, over both", async (name) => {
    for (const place of [places.unix, places.mTLS]) {
      const { code, stdout, stderr } = await runTool(join(goBinaries, name), goArguments(place));
      expect({ code, stderr, stdout: stdout.toString() }).toEqual({
        code: 0,
        stderr: "",
        stdout: "line 1\nline 2\nline 3\n21 bytes, exit code 3\nstopped: true, by SIGTERM\n",
      });
    }
  });
});

test.each(["unix", "mTLS"] as const)("reflection (v1 and v1alpha) and health answer over %s", async (name) => {
  const { address, user } = places[name];
  const way =
    name === "unix"
      ? ["--unix-socket", daemon.socketPath, "--http2-prior-knowledge"]
      : ["--cacert", files.ca, "--cert", files.cert, "--key", files.key, "-u", `${user}:${password}`];
  const base = name === "unix" ? "http://localhost" : address;
  const header = `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const reflect = name === "unix" ? [] : ["--reflect-header", header];
  for (const protocol of ["grpc-v1", "grpc-v1alpha"]) {
    const listed = await runTool("buf", [
      ...["curl", "--list-services", "--reflect-protocol", protocol, ...way, ...reflect],
      base,
    ]);
    for (const service of ["pm.v1.ProcessService", "pm.v1.DaemonService", "grpc.health.v1.Health"]) {
      expect(listed.stdout.toString(), listed.stderr).toContain(service);
    }
  }
  const call = async (method: string, request: object, until?: (stdout: Buffer) => boolean) => {
    const { stdout } = await runTool(
      "buf",
      ["curl", "--protocol", "grpc", "-d", "@-", ...way, ...reflect, `${base}/grpc.health.v1.Health/${method}`],
      { input: JSON.stringify(request), ...(until && { until }) },
    );
    return stdout.toString();
  };
  expect(JSON.parse(await call("Check", { service: "pm.v1.ProcessService" }))).toEqual({ status: "SERVING" });
  expect(JSON.parse(await call("List", {})).statuses).toMatchObject({ "pm.v1.DaemonService": { status: "SERVING" } });
  expect(await call("Watch", {}, (stdout) => stdout.includes("}"))).toContain("SERVING");
});
