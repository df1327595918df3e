import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, vi } from "vitest";
import { startDaemon } from "../support/daemon.ts";
import { requires } from "../support/requires.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { limitMs, pmPath, test } from "./support/pm.ts";

const hasAnalyzer = requires("systemd-analyze", spawnSync("systemd-analyze", ["--version"]).status === 0);

test.skipIf(!hasAnalyzer)(
  "the unit is one that systemd accepts, and gives processes nothing to inherit",
  async ({ pm }) => {
    const directory = temporaryDirectory();
    for (const kind of ["--user", "--system"]) {
      const unit = await pm.ok(["install-service", kind, "--print"]);
      expect(/^# .*enable-linger/m.test(unit)).toBe(kind === "--user");
      const path = join(directory, "pm.service");
      writeFileSync(path, `${unit}\n`);
      const verified = spawnSync("systemd-analyze", ["verify", path], { encoding: "utf8" });
      // systemd before 254 passes it over.
      const said = verified.stderr.replace(/^.*Unknown key (?:name )?'DelegateSubgroup'.*\n/m, "");
      expect({ status: verified.status, said }).toEqual({ status: 0, said: "" });
      const set = unit.split("\n").filter((line) => /^[A-Z]\w*=/.test(line));
      expect(set).toEqual(
        expect.arrayContaining([
          "Type=notify",
          "Delegate=yes",
          "DelegateSubgroup=pm-daemon",
          "KillMode=process",
          "OOMPolicy=continue",
          "RuntimeDirectoryPreserve=yes",
        ]),
      );
      expect(
        set.filter((line) => /^(Limit|UMask|Nice|Environment|Private|Protect|NoNew|CPU|IO|OOMScore)/.test(line)),
      ).toEqual([]);
      // Those of the Debian package say the same, but for their names and places.
      const packaged = readFileSync(
        join(import.meta.dirname, "../../packaging/deb", `${kind.slice(2)}.service`),
        "utf8",
      );
      for (const line of set.filter(
        (each) => !/^(Description|Documentation|ExecStart|RuntimeDirectory|State)/.test(each),
      )) {
        expect(packaged.split("\n")).toContain(line);
      }
      expect(packaged).toContain(set.find((line) => line.startsWith("ExecStopPost=")));
    }
  },
);

const receiver = `import array,os,socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound",flush=True)
while True:
    message,extra,_,_=s.recvmsg(4096,socket.CMSG_SPACE(4))
    for _,_,data in extra:
        for fd in array.array("i",data): os.close(fd)
    print(message.decode(),flush=True)
`;

interface ServiceManager {
  readonly socket: string;
  /** Resolves once it was told this. */
  hears(text: string): Promise<void>;
  readonly heard: string;
}

async function serviceManager(): Promise<ServiceManager> {
  const socket = join(temporaryDirectory(), "notify");
  const child = spawn("python3", ["-c", receiver, socket], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let heard = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    heard += text;
  });
  const hears = (text: string) => vi.waitFor(() => expect(heard).toContain(text), limitMs);
  await hears("bound\n");
  return {
    socket,
    hears,
    get heard() {
      return heard;
    },
  };
}

test("the daemon tells the service manager that it is ready, and that it stops; processes cannot", async () => {
  const manager = await serviceManager();
  const daemon = await startDaemon({ env: { NOTIFY_SOCKET: manager.socket } });
  await manager.hears("READY=1\nBARRIER=1\n");
  expect(manager.heard).not.toContain("STOPPING");
  const { process } = await daemon.processes.startProcess({
    id: crypto.randomUUID(),
    spec: { executable: "sh", args: ["-c", 'test -z "$NOTIFY_SOCKET"'] },
  });
  const { run } = await daemon.processes.waitProcess({ process: { ref: { case: "id", value: process?.id ?? "" } } });
  expect(run?.exit?.result).toEqual({ case: "code", value: 0 });
  await daemon.stop();
  await manager.hears("STOPPING=1\n");
});

test("pm daemon run becomes the daemon that a unit of Type=notify waits for", async ({ pm }) => {
  const manager = await serviceManager();
  // As a unit's: nobody reads descriptor 3, and the daemon must take none of its own for it.
  const child = spawn(pmPath, ["daemon", "run", "--log-level", "error"], {
    env: { ...pm.env, NOTIFY_SOCKET: manager.socket, PM_READY_FD: "3" },
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const exit = new Promise((resolve) => child.once("exit", resolve));
  let said = "";
  child.stdio[3]?.on("data", (data) => {
    said += String(data);
  });
  await manager.hears("READY=1\nBARRIER=1\n");
  expect(await pm.daemonPid()).toBe(child.pid);
  await pm.ok(["run", "--", "true"]);
  child.kill("SIGTERM");
  await manager.hears("STOPPING=1\n");
  expect(await exit).toBe(0);
  expect(said).toBe("");
});
