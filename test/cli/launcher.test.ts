/** What the launcher sends, and what the host makes of what others send. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { getPriority } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, vi } from "vitest";
import { decodeRequest, type HostRequest } from "../../src/host/request.ts";
import { requires } from "../support/requires.ts";
import { TestTerminal } from "../support/terminal.ts";
import { limitMs, type Pm, pmPath, test } from "./support/pm.ts";

const buildId = (): string => readFileSync(join(dirname(realpathSync(pmPath)), "build-id"), "latin1");

/** Stands where the host would: answers each request with exit code 0, and keeps it. */
async function recorder({ runtimeDir }: Pm): Promise<{ requests: HostRequest[]; close(): void }> {
  const requests: HostRequest[] = [];
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.write(`pm-host1${buildId()}`);
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= 4 && bytes.length === 4 + bytes.readUInt32LE(0)) {
        requests.push(decodeRequest(bytes.subarray(4)));
        socket.end(Buffer.from("x\x04\0\0\0\0\0\0\0", "latin1"));
      }
    });
  });
  server.listen(join(runtimeDir, "cli.sock"));
  await once(server, "listening");
  return { requests, close: () => server.close() };
}

const nobody = 65534;
// Else nobody can be somebody else.
const isRoot = requires("root", process.getuid?.() === 0);

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

describe.concurrent("the launcher", () => {
  test("tells the host what the caller's processes inherit, as it is", async ({ pm }) => {
    const { requests, close } = await recorder(pm);
    const directory = Buffer.concat([Buffer.from(`${pm.runtimeDir}/d`), Buffer.of(0xff)]);
    mkdirSync(directory);
    const script =
      "cd d*; umask 027; ulimit -Sn 300; ulimit -f 4000; ulimit -c 0; " +
      "env a.b=1 \"$(printf 'BYTES=\\303')\" nice -n 5 pm ls \"$(printf 'caf\\351')\" '' '  '";
    expect(await pm.shell(script, { cwd: pm.runtimeDir })).toMatchObject({ code: 0, err: "" });
    close();
    const [request] = requests;
    expect(request?.args).toEqual(["ls", "caf\ufffd", "", "  "]);
    expect(request?.inherited.args.map(text)).toEqual(["ls", "caf\xe9", "", "  "]);
    expect(request?.inherited.env.map(text)).toEqual(expect.arrayContaining(["a.b=1", "BYTES=\xc3"]));
    expect(request?.env).toMatchObject({ "a.b": "1", BYTES: "\ufffd", PM_RUNTIME_DIR: pm.runtimeDir });
    expect(text(request?.inherited.cwd ?? new Uint8Array())).toBe(directory.toString("latin1"));
    expect(request?.inherited).toMatchObject({ umask: 0o027, nice: Math.min(19, getPriority() + 5) });
    const { nofile, fsize, core, nproc } = request?.inherited.rlimits ?? {};
    expect(nofile?.soft).toBe(300n);
    expect(fsize).toEqual({ soft: fsize?.hard, hard: fsize?.soft });
    expect(fsize?.soft).toBeGreaterThanOrEqual(4000n * 512n);
    expect(core).toEqual({ soft: 0n, hard: 0n });
    expect(nproc).toBeDefined();
    expect(request?.terminal).toEqual({ stdin: false, stdout: false, stderr: false, size: undefined });
    rmdirSync(directory);
  });

  test("in a process of its own a command knows the same of its caller", async ({ pm }) => {
    const { requests, close } = await recorder(pm);
    const program = join(import.meta.dirname, "../../src/cli/own-caller.ts");
    const own =
      `import(${JSON.stringify(program)}).then(({ ownCaller }) => { const { cwd, inherited } = ownCaller(process);` +
      "const hex = (all) => all.map((bytes) => Buffer.from(bytes).toString('latin1'));" +
      "console.log(JSON.stringify({ ...inherited, args: hex(inherited.args), env: hex(inherited.env).sort(), cwd }," +
      "(_key, value) => typeof value === 'bigint' ? String(value) : value)) })";
    // The launcher tells the limit of open files, since Node.js raises its own.
    const prepare =
      "umask 027; ulimit -Sn 300; ulimit -f 4000; A=$(printf '\\303'); export A; set -- ls \"$(printf 'caf\\351')\";";
    const node = process.execPath;
    const ownFacts = await pm.shell(
      `${prepare} PM_OPEN_FILES=$(ulimit -Sn) "${node}" --input-type=module -e "$CODE" "$@"; :`,
      {
        env: { CODE: own },
      },
    );
    expect(ownFacts.err).toBe("");
    expect(await pm.shell(`${prepare} pm "$@"; :`, { env: { CODE: own } })).toMatchObject({ code: 0, err: "" });
    close();
    const facts = JSON.parse(ownFacts.out) as Record<string, unknown> & { args: string[] };
    const [request] = requests;
    const { inherited } = request as HostRequest;
    const comparable = JSON.parse(
      JSON.stringify(
        { ...inherited, args: inherited.args.map(text), env: inherited.env.map(text).sort(), cwd: request?.cwd },
        (_key, value) => (typeof value === "bigint" ? String(value) : value),
      ),
    ) as Record<string, unknown>;
    // `node -e` has no script among its arguments: the first one is taken for it.
    expect({ ...facts, args: ["ls", ...facts.args] }).toEqual(comparable);
  });

  test("leaves no process behind, whenever it is killed: what it tries to make is a part of itself", async ({ pm }) => {
    const node = join(pm.runtimeDir, "node");
    // Children would have told their end by a signal, which outlives execve(2) where it is blocked.
    const tellPending =
      "#!/bin/sh\nwhile read -r name value; do case $name in ShdPnd:) echo $value; esac; done < /proc/self/status\n";
    writeFileSync(node, tellPending, { mode: 0o700 });
    const env = { PM_NODE: node };
    expect(await pm.shell("exec env --block-signal=CHLD pm --version", { env })).toMatchObject({
      code: 0,
      out: `${"0".repeat(16)}\n`,
    });
  });

  test.skipIf(!isRoot)("tells another user's program nothing", async ({ pm }) => {
    const directory = join(pm.runtimeDir, "theirs");
    mkdirSync(directory);
    chmodSync(pm.runtimeDir, 0o711);
    chownSync(directory, nobody, nobody);
    const program =
      'let received = 0; const server = require("node:net").createServer((socket) => {' +
      'socket.write(process.argv[2]); socket.on("error", () => {}); socket.on("data", ({ length }) => { received += length; socket.destroy(); });' +
      'socket.on("close", () => { console.log("received", received); }); });' +
      'server.listen(process.argv[1], () => console.log("listening"));';
    const theirs = spawn(process.execPath, ["-e", program, join(directory, "cli.sock"), `pm-host1${buildId()}`], {
      uid: nobody,
      gid: nobody,
      cwd: "/",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(theirs, "exit");
    let said = "";
    theirs.stdout.on("data", (data: Buffer) => {
      said += data.toString();
    });
    try {
      await vi.waitFor(() => expect(said).toBe("listening\n"), limitMs);
      expect(await pm(["ls"], { env: { PM_RUNTIME_DIR: directory, PM_NO_AUTOSTART: "1" } })).toMatchObject({ code: 4 });
      await vi.waitFor(() => expect(said).toBe("listening\nreceived 0\n"), limitMs);
    } finally {
      theirs.kill("SIGKILL");
      await ended;
    }
    chmodSync(pm.runtimeDir, 0o700);
  });

  test("knows terminals and their size", async ({ pm }) => {
    const { requests, close } = await recorder(pm);
    const env = Object.fromEntries(
      Object.entries(pm.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    const terminal = new TestTerminal("/bin/sh", ["-c", "pm ls; pm ls </dev/null 2>/dev/null"], {
      columns: 61,
      rows: 23,
      env,
    });
    await terminal.exited;
    await terminal.close();
    close();
    const size = { rows: 23, columns: 61 };
    expect(requests.map(({ terminal }) => terminal)).toEqual([
      { stdin: true, stdout: true, stderr: true, size },
      { stdin: false, stdout: true, stderr: false, size },
    ]);
  });

  test("asks a daemon elsewhere, and what is not to be hosted, by itself", async ({ pm }) => {
    const { requests, close } = await recorder(pm);
    const env = { PM_NO_AUTOSTART: "1" };
    for (const [args, more] of [
      [["ls"], { PM_HOST: "unix:///no/such.sock" }],
      [["ls"], { PM_CONTEXT: "default" }],
      [["ls"], { PM_NO_HOST: "1" }],
      [["--color", "never", "ls"], {}],
    ] as const) {
      expect(await pm(args, { env: { ...env, ...more } })).toMatchObject({ code: 4 });
    }
    expect(await pm(["version", "--client"])).toMatchObject({ code: 0 });
    expect(requests).toEqual([]);
    close();
  });
});

describe.concurrent("the host's socket", () => {
  test("is the user's alone, and lives through whatever is sent", async ({ pm }) => {
    await pm.ok(["daemon", "start"]);
    const path = join(pm.runtimeDir, "cli.sock");
    const hosted = () =>
      vi.waitFor(
        async () => expect(await pm(["ls", "-q"], { env: { PM_NODE: "/no/such/node" } })).toMatchObject({ code: 0 }),
        { timeout: limitMs },
      );
    await hosted();
    expect(lstatSync(path).mode & 0o7777).toBe(0o600);
    expect(lstatSync(pm.runtimeDir).mode & 0o777).toBe(0o700);
    const send = async (bytes: Buffer): Promise<string> => {
      const socket = connect(path);
      let received = "";
      const closed = new Promise((resolve) => socket.once("close", resolve));
      // It may be cut off while it still sends.
      socket.on("error", () => {});
      socket.on("data", (data) => {
        received += data.toString("latin1");
      });
      await vi.waitFor(() => expect(received).toHaveLength(48), limitMs);
      socket.write(bytes);
      await closed;
      return received;
    };
    const length = (value: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value);
      return bytes;
    };
    for (const bytes of [
      length(0),
      length(0xffffffff),
      Buffer.concat([length(4), Buffer.alloc(4)]),
      Buffer.concat([length(400), Buffer.alloc(400, 0xff)]),
      Buffer.concat([length(1), Buffer.alloc(100_000)]),
      Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000)),
    ]) {
      // A greeting, and no more.
      expect(await send(bytes)).toBe(`pm-host1${buildId()}`);
      await hosted();
    }
    expect(
      spawnSync("grep", ["-c", "command host", join(pm.runtimeDir, "daemon.log")], { encoding: "utf8" }).stdout,
    ).toBe("0\n");
  });
});
