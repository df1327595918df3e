import { describe, expect, test } from "vitest";
import { formatBytes } from "../../src/tui/text/format.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import { byName } from "../support/process-ref.ts";
import { openUi, start } from "./dashboard.ts";

describe("the log pane shows the output that its title names", () => {
  test("while one goes from a process that writes without end to a quiet one and back", async () => {
    const daemon = await startDaemon();
    await start(daemon, "chatty", "while :; do echo A''AAA; sleep 0.005; done");
    await start(daemon, "quiet", "echo B''BBB; exec sleep 1000");
    const terminal = openUi(daemon);
    await terminal.shows("AAAA");
    for (let i = 0; i < 15; i++) {
      terminal.type("j");
      await terminal.until(
        "the quiet one",
        () => /Log · quiet/.test(terminal.text()) && terminal.text().includes("BBBB"),
      );
      expect(terminal.text()).not.toContain("AAAA");
      terminal.type("k");
      await terminal.shows("AAAA");
      expect(terminal.text()).not.toContain("BBBB");
    }
  });

  test("when the process is restarted under it, and the run before on demand", async () => {
    const daemon = await startDaemon();
    await start(
      daemon,
      "phoenix",
      'trap "echo last  words; exit 0" TERM; n=$(date +%s%N); echo born  $n; while :; do sleep 0.01; done',
    );
    const terminal = openUi(daemon);
    await terminal.shows(/born \d+/);
    const born = (): string => /born (\d+)/.exec(terminal.text())?.[1] ?? "";
    let before = born();
    for (let run = 2; run <= 5; run++) {
      terminal.type("ry");
      await terminal.shows(new RegExp(`Log · phoenix · run ${run} `));
      await terminal.until("its own output", () => born() !== "" && born() !== before);
      await terminal.shows("following");
      expect(terminal.text()).not.toContain("last words");
      if (run === 3) {
        terminal.type("p");
        await terminal.shows("run 2, the previous one");
        await terminal.shows("last words");
        expect(born()).toBe(before);
        await terminal.shows("end of output");
        terminal.type("p");
        await terminal.hides("the previous one");
        await terminal.hides("last words");
      }
      before = born();
    }
  });

  test("when the streams are gone through", async () => {
    const daemon = await startDaemon();
    await start(daemon, "both", "echo 'to' stderr >&2; while :; do echo O''UT; sleep 0.005; done");
    const terminal = openUi(daemon);
    await terminal.shows("OUT");
    for (let i = 0; i < 5; i++) {
      terminal.type("ee");
      await terminal.until(
        "stderr alone",
        () => /· stderr /.test(terminal.text()) && terminal.text().includes("to stderr"),
      );
      expect(terminal.text()).not.toContain("OUT");
      terminal.type("e");
      await terminal.shows("OUT");
    }
  });

  test("when keys that come together lead back to where they began", async () => {
    const daemon = await startDaemon();
    await start(daemon, "first", "echo the first; exit 3");
    await start(daemon, "second", "echo the second; exec sleep 1000");
    await daemon.processes.waitProcess({ process: byName("first"), condition: 3 });
    await daemon.processes.restartProcess({ process: byName("first") });
    await daemon.processes.waitProcess({ process: byName("first"), condition: 3 });
    const terminal = openUi(daemon);
    for (const keys of ["jk", "eee", "pp", "/zz\x15\r"]) {
      await terminal.shows(/^ +the first$/m);
      terminal.type(keys);
      // The keys have been seen when this one has.
      terminal.type("w");
      await terminal.shows("· wrap");
      await terminal.shows(/^ +the first$/m);
      await terminal.shows("end of output");
      terminal.type("w");
      await terminal.hides("· wrap");
    }
  });

  test("without a run before there is none to show", async () => {
    const daemon = await startDaemon();
    await start(daemon, "once", "echo hello; exec sleep 1000");
    const terminal = openUi(daemon);
    await terminal.shows("hello");
    terminal.type("p");
    await terminal.shows("There is no previous run");
    await terminal.shows("hello");
  });
});

/** Resolves when a process has written a text. */
async function written({ processes }: TestDaemon, name: string, text: string): Promise<void> {
  let tail = "";
  for await (const { frame } of processes.streamOutput({ process: byName(name), follow: true })) {
    if (frame.case === "chunk") {
      tail = (tail + Buffer.from(frame.value.data).toString()).slice(-(1 << 10));
      if (tail.includes(text)) {
        return;
      }
    }
  }
}

describe("where output is missing", () => {
  test.each([
    ["less than what is read at first", 64n << 10n, 400_000],
    ["more", 1n << 20n, 500_000],
  ])("the gap is marked and says how much it is, however one comes to it: %s is kept", async (_name, limit, lines) => {
    const daemon = await startDaemon();
    await start(daemon, "long", `seq 1 ${lines}; echo the end; exec sleep 1000`, { output: { limitBytes: limit } });
    // Later nothing more is dropped: the pane holds no more than the daemon does.
    await written(daemon, "long", "the end\n");
    const terminal = openUi(daemon);
    await terminal.shows("the end");
    const { process } = await daemon.processes.getProcess({ process: byName("long") });
    const lost = new RegExp(`⋯ ${formatBytes(Number(process?.run?.output?.firstOffset))} of output no longer kept ⋯\n`);
    terminal.type("2g");
    await terminal.shows(lost);
    const first = /kept ⋯\n +\d*\n +(\d+)\n/.exec(terminal.text())?.[1];
    terminal.type(`G/~^${first}$\r`);
    await terminal.shows(new RegExp(`▸ +${first}\n`));
    terminal.type("\x1b[5~");
    await terminal.shows(lost);
  });
});

describe("copying", () => {
  test("any line can be pointed at", async () => {
    const daemon = await startDaemon();
    await start(daemon, "few", "seq -f 'line %02g' 1 5; exit 0");
    const terminal = openUi(daemon);
    await terminal.shows("end of output");
    terminal.type("2K");
    await terminal.shows(/▸ +line 04/);
    terminal.type("K");
    await terminal.shows(/▸ +line 03/);
    terminal.type("y");
    await terminal.until("it is copied", () => terminal.raw.includes(`\x1b]52;c;${btoa("line 03")}\x07`));
    terminal.type("JJJJ");
    await terminal.shows(/▸ +line 05/);
  });
});

describe("finding something", () => {
  test("a filtered line is shown in its place; a search goes on at the other end, and within a filter", async () => {
    const daemon = await startDaemon();
    await start(daemon, "writer", "seq -f 'line %05g' 1 30000; exec sleep 1000", { output: { limitBytes: 4n << 20n } });
    const terminal = openUi(daemon);
    await terminal.shows("line 30000");
    // Far above what is at hand.
    terminal.type("2&line 00123\r");
    await terminal.shows("1 matching");
    await terminal.shows("line 00123");
    terminal.type("\r");
    await terminal.shows("line 00122");
    await terminal.shows("line 00124");
    expect(terminal.text()).toContain("paused · 0%");

    terminal.type("G/line 2999\r");
    await terminal.shows(/▸ +line 29999/);
    terminal.type("N");
    await terminal.shows(/▸ +line 29990/);
    await terminal.shows("continued at the oldest");
    terminal.type("/no such text\r");
    await terminal.shows("No line matches no such text");
    terminal.type("\x1b");
    await terminal.hides("search no such");

    terminal.type("&~000$\r");
    await terminal.shows("30 matching");
    terminal.type("/line 05\r");
    await terminal.shows(/▸ +line 05000/);
    expect(terminal.text()).toContain("filter ~000$");
    terminal.type("\x1b");
    await terminal.hides("filter ~000$");
    await terminal.shows("line 05001");
  });

  test("keys that come together: a search looks through the process that was just gone to", async () => {
    const daemon = await startDaemon();
    await start(daemon, "first", "seq 1 100; echo needle of the first; exec sleep 1000");
    await start(daemon, "second", "echo needle of the second; seq 1 100; exec sleep 1000");
    const terminal = openUi(daemon);
    await terminal.shows("needle of the first");
    terminal.type("2/needle\r");
    await terminal.shows("search needle");
    terminal.type("1jn");
    await terminal.shows(/Log · second .*paused/);
    await terminal.shows("needle of the second");
    await terminal.hides("Esc ends it");
  });

  test("half a regular expression changes nothing and is not taken", async () => {
    const daemon = await startDaemon();
    await start(daemon, "writer", "seq -f 'line %05g' 1 100; exec sleep 1000");
    const terminal = openUi(daemon);
    await terminal.shows("line 00100");
    terminal.type("&~[12]$\r");
    await terminal.shows("20 matching");
    terminal.type("&\x15~[12");
    await terminal.shows("not a regular expression (yet)");
    // Enter does not take it: it goes on.
    terminal.type("\r]5$\r");
    await terminal.shows("2 matching");
  });

  test("lines are scrolled sideways no further than they are long, and back at once", async () => {
    const daemon = await startDaemon();
    await start(daemon, "wide", `printf '%0300d end of it\\n' 0; exec sleep 1000`);
    const terminal = openUi(daemon, { columns: 100, rows: 30 });
    await terminal.shows("00000");
    terminal.type(`2${"l".repeat(80)}`);
    await terminal.shows("end of it");
    terminal.type("h");
    await terminal.shows(/from column 2\d\d/);
    terminal.type("0");
    await terminal.hides("from column");
  });
});
