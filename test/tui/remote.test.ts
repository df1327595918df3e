/** The dashboard on a daemon behind TLS and a password, and from one context to another. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import { freePort } from "../support/free-port.ts";
import { byName } from "../support/process-ref.ts";
import { openUi, selectedRow, start } from "./dashboard.ts";

const pm = join(import.meta.dirname, "../../bin/pm");

interface Remote {
  readonly daemon: TestDaemon;
  /** Of the client: where the context "dev" is. */
  readonly env: { readonly XDG_CONFIG_HOME: string };
}

/** A daemon that `pm init` has set up for TCP, with the context "dev" for it and "nowhere" for a port of nobody's. */
async function startRemote(): Promise<Remote> {
  const config = mkdtempSync(join(tmpdir(), "pm-config-"));
  onTestFinished(() => rmSync(config, { recursive: true, force: true }));
  const env = { XDG_CONFIG_HOME: config };
  const run = (args: readonly string[]): void => {
    execFileSync(pm, args, {
      env: { ...process.env, ...env, PM_NODE: process.execPath },
      input: "hush\n",
      stdio: "pipe",
    });
  };
  run(["init", "--listen", `127.0.0.1:${await freePort()}`, "--user", "ann"]);
  const tls = (name: string): string => join(config, "pm/tls", name);
  const files = ["--ca", tls("ca.crt"), "--cert", tls("client.crt"), "--key", tls("client.key")];
  run(["context", "add", "nowhere", "--address", `https://localhost:${await freePort()}`, "--user", "ann", ...files]);
  return { daemon: await startDaemon({ env }), env };
}

describe("a remote context", () => {
  test("serves the dashboard as the socket does, and is found again when it was away", async () => {
    const { daemon, env } = await startRemote();
    await start(daemon, "far", "seq -f 'far line %03g' 1 300; exec sleep 1000");
    // A runtime directory without a daemon: what is shown can only have come over TLS.
    const nobody = await startDaemon();
    await nobody.stop();
    const terminal = openUi(nobody, { env, args: ["--context", "dev"] });
    await terminal.shows("far line 300");
    await terminal.shows("● connected");
    expect(terminal.row(0)).toMatch(/^ pm {2}dev · \S+ {2}daemon /);
    terminal.type("2g");
    await terminal.shows("far line 001");
    terminal.type("1s");
    await terminal.shows("Start a process");
    terminal.type("sh -c 'echo over the wire; exec sleep 1000'\t\t\tmade\r");
    await terminal.shows("Started made");
    await terminal.shows("over the wire");
    terminal.type("xy");
    await terminal.shows("Stopped made");
    const { process } = await daemon.processes.getProcess({ process: byName("made") });
    expect(process?.run?.exit?.signalName).toBe("SIGTERM");

    await daemon.kill9();
    await terminal.shows("disconnected");
    expect(terminal.text()).toContain("far");
    await daemon.restart();
    await terminal.shows("● connected");
    await start(daemon, "zz-later", "exec sleep 1000");
    await terminal.shows("zz-later");
    terminal.type("q");
    expect(await terminal.exited).toEqual({ code: 0, signal: 0 });
  });

  test("is gone to from the local daemon and left again; one that nobody serves leaves a banner", async () => {
    const { daemon: remote, env } = await startRemote();
    await start(remote, "far", "echo from afar; exec sleep 1000");
    const local = await startDaemon();
    await start(local, "near", "echo from here; exec sleep 1000");
    await start(local, "near-2", "exec sleep 1000");
    const terminal = openUi(local, { env });
    await terminal.shows("from here");
    terminal.type(":context dev\r");
    await terminal.shows("from afar");
    await terminal.shows("● connected");
    expect(terminal.row(0)).toMatch(/^ pm {2}dev · \S+ {2}daemon /);
    expect(terminal.text()).not.toContain("near");

    terminal.type(":context nowhere\r");
    await terminal.shows("disconnected");
    await terminal.shows("nothing is listening there");
    expect(terminal.text()).not.toContain("far");
    // Nothing that is true of the daemon before.
    expect(terminal.row(0)).toMatch(/^ pm {2}nowhere · https:\/\/localhost:\d+ {4}/);
    // Still there and still taking keys.
    terminal.type("?");
    await terminal.shows("Half a page down");
    terminal.type("q");
    await terminal.hides("Half a page down");

    terminal.type(":context default\r");
    await terminal.shows("from here");
    await terminal.shows("● connected");
    terminal.type("j");
    await terminal.until("keys work", () => selectedRow(terminal).includes("near-2"));
    terminal.type("q");
    expect(await terminal.exited).toEqual({ code: 0, signal: 0 });
  });
});
