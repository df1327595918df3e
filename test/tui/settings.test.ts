/** What the dashboard remembers. */
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openUi, sharedDaemon, start } from "./dashboard.ts";

const daemon = sharedDaemon();

test("sort, theme, layout, columns and alert are there the next time, and what else is in the file stays", async () => {
  await start(daemon(), "api", "exec sleep 1000");
  const config = temporaryDirectory();
  mkdirSync(join(config, "pm"));
  const path = join(config, "pm/dashboard.json");
  writeFileSync(path, JSON.stringify({ ofLater: [1] }));
  const options = { columns: 140, rows: 40, env: { XDG_CONFIG_HOME: config } };
  const first = openUi(daemon(), options);
  await first.shows("api");
  await first.shows("unknown or invalid settings: ofLater");
  first.type("ooOT|");
  await first.shows("by cpu ↑");
  first.type(":column: id\r");
  await first.hides(" ID ");
  first.type(":the bell\r");
  await first.hides("Commands");
  first.type("q");
  expect((await first.exited).code).toBe(0);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({
    ofLater: [1],
    sort: "cpu",
    reversed: true,
    theme: "dusk",
    layout: "beside",
    hiddenColumns: ["id"],
    alert: "bell",
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);

  const second = openUi(daemon(), options);
  await second.shows("by cpu ↑");
  await second.until("the log beside", () => /Processes.*Log/.test(second.row(2)));
  expect(second.text()).not.toContain(" ID ");
  expect(second.cell(1, 0).foreground).toBe(5);
  // What the command line says holds for this time only.
  const third = openUi(daemon(), { ...options, args: ["--theme=ocean"] });
  await third.shows("by cpu ↑");
  expect(third.cell(1, 0).foreground).toBe(6);
  third.type("q");
  await third.exited;
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ theme: "dusk" });
});

test("a file that cannot be read is told and left alone", async () => {
  const config = temporaryDirectory();
  mkdirSync(join(config, "pm"));
  const path = join(config, "pm/dashboard.json");
  writeFileSync(path, "{ this is not JSON");
  const terminal = openUi(daemon(), { columns: 140, rows: 40, env: { XDG_CONFIG_HOME: config } });
  await terminal.shows("dashboard.json is not used, and left as it is");
  terminal.type("T");
  terminal.type("q");
  await terminal.exited;
  expect(readFileSync(path, "utf8")).toBe("{ this is not JSON");
});

test("nothing is written where nothing was chosen", async () => {
  const config = temporaryDirectory();
  const terminal = openUi(daemon(), { columns: 140, rows: 40, env: { XDG_CONFIG_HOME: config } });
  await terminal.shows("Processes");
  terminal.type("jq");
  await terminal.exited;
  expect(() => statSync(join(config, "pm"))).toThrow("ENOENT");
});

test("that nothing can be remembered is told once", async () => {
  const config = temporaryDirectory();
  // No directory can be made there, not even by root.
  symlinkSync("nowhere", join(config, "pm"));
  const terminal = openUi(daemon(), { columns: 140, rows: 40, env: { XDG_CONFIG_HOME: config } });
  await terminal.shows("Processes");
  terminal.type("T");
  await terminal.shows("What is chosen is not remembered: ENOENT");
  terminal.type("\x1b");
  await terminal.hides("not remembered");
  terminal.type("TM");
  await terminal.shows("Messages");
  expect(terminal.text().split("not remembered")).toHaveLength(2);
});

test("where no directory can be made, and none is refused either, quitting is quitting", async () => {
  const env = { XDG_CONFIG_HOME: "/proc/nowhere" };
  const terminal = openUi(daemon(), { columns: 140, rows: 40, env });
  await terminal.shows("Processes");
  terminal.type("T");
  await terminal.shows("What is chosen is not remembered: ENOENT");
  terminal.type("Tq");
  expect((await terminal.exited).code).toBe(0);
});

test("two dashboards: what either has chosen stays, and of one setting the choice that came last", async () => {
  const config = temporaryDirectory();
  const path = join(config, "pm/dashboard.json");
  const options = { columns: 140, rows: 40, env: { XDG_CONFIG_HOME: config } };
  const [one, other] = [openUi(daemon(), options), openUi(daemon(), options)];
  await one.shows("by name");
  await other.shows("by name");
  one.type("oo|q");
  expect((await one.exited).code).toBe(0);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ sort: "cpu", layout: "beside" });
  other.type("Toq");
  expect((await other.exited).code).toBe(0);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ sort: "state", layout: "beside", theme: "dusk" });
});
