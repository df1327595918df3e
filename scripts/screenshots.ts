/**
 * Draws the dashboard's views: the built `pm ui` in a pseudo-terminal on a
 * daemon of its own, its cells as SVG, the SVG as PNG. Fails if text has less
 * contrast to what is behind it than 4.5:1 (WCAG 2.2, 1.4.3), or a sign less
 * than 3:1 (1.4.11), on a dark terminal or a light one.
 *
 * Usage: npm run build, then
 *   node_modules/.bin/node scripts/screenshots.ts [--all DIRECTORY] [--size 80x24]
 * Without --all those that the README shows go to docs/screenshots, with it
 * every view goes to the directory: dark and light, 80x24, 160x45 and 220x60.
 * Needs a monospaced font with box drawing (DejaVu Sans Mono) on this machine.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Resvg } from "@resvg/resvg-js";
import { ProcessManager, type StartOptions } from "../src/sdk/index.ts";
import { type ScreenCell, TestTerminal } from "../test/support/terminal.ts";

const root = join(import.meta.dirname, "..");
const { values: options } = parseArgs({ options: { all: { type: "string" }, size: { type: "string" } } });
const target = options.all ?? join(root, "docs/screenshots");
const pm = join(root, "bin/pm");
const CELL = { width: 8.43, height: 17, font: 14 };
const FONT = "DejaVu Sans Mono";

interface Background {
  readonly background: string;
  readonly foreground: string;
  /** The terminal's sixteen colors. */
  readonly palette: readonly string[];
}

const DARK: Background = {
  background: "#14171c",
  foreground: "#d5d9e0",
  palette: [
    ..."#23272e #f0616d #7bc275 #e5b567 #5c9ded #c678dd #3fb8c4 #c8ccd4".split(" "),
    ..."#5c6370 #ff7a85 #95d48f #f2c57c #7fb3f5 #d899e8 #63cfd9 #ffffff".split(" "),
  ],
};
const LIGHT: Background = {
  background: "#fbfbf8",
  foreground: "#2b2f36",
  palette: [
    ..."#2b2f36 #c4303c #3a7d34 #94680b #2a63b8 #8a3aa0 #0e7783 #b8bcc4".split(" "),
    ..."#767c88 #d94a55 #4a9444 #ab7c1a #3f78cf #9f52b5 #248c98 #ffffff".split(" "),
  ],
};

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** One step between two colors, for dim text. */
function mix(a: string, b: string, share: number): string {
  const channel = (text: string, i: number): number => Number.parseInt(text.slice(1 + 2 * i, 3 + 2 * i), 16);
  return `#${[0, 1, 2]
    .map((i) =>
      Math.round(channel(a, i) * (1 - share) + channel(b, i) * share)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}

/** What a cell is drawn with. */
function colorsOf(cell: ScreenCell, colors: Background): { readonly front: string; readonly back: string } {
  const color = (index: number | null, fallback: string): string =>
    index === null
      ? fallback
      : (colors.palette[index] ?? (index > 255 ? `#${index.toString(16).padStart(6, "0")}` : fallback));
  let front = color(cell.foreground, colors.foreground);
  let back = color(cell.background, colors.background);
  if (cell.inverse) {
    [front, back] = [back, front];
  }
  return { front: cell.dim ? mix(front, back, DIM_SHARE) : front, back };
}

/** Relative luminance (WCAG 2.2). */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [more = 0, less = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (more + 0.05) / (less + 0.05);
}

/** Frames, rules, bars and marks: they say something, but are not read. */
const SIGN = /^[─-╿▀-▟▏-▐●○◌◐✗▸▌⋯┈‹›]$/u;

/** The least contrast of what a screen says, outside of what an overlay has pushed back; and what is too faint. */
function faintest(terminal: TestTerminal, colors: Background): { text: number; sign: number; where: string } {
  const found = { text: Number.POSITIVE_INFINITY, sign: Number.POSITIVE_INFINITY, where: "" };
  const isBehind = terminal.text().includes("╭");
  for (let y = 0; y < terminal.rows; y++) {
    for (let x = 0; x < terminal.columns; x++) {
      const cell = terminal.cell(x, y);
      if (cell.text.trim() === "" || (isBehind && cell.dim && !insideFrame(terminal, x, y))) {
        continue;
      }
      const { front, back } = colorsOf(cell, colors);
      const ratio = contrast(front, back);
      const kind = SIGN.test(cell.text) ? "sign" : "text";
      if (ratio < found[kind]) {
        found[kind] = ratio;
        if (ratio < LEAST[kind]) {
          found.where = `${ratio.toFixed(2)} for ${JSON.stringify(cell.text)} in: ${terminal.row(y).trim()}`;
        }
      }
    }
  }
  return found;
}

/** Whether a cell lies in the overlay. */
function insideFrame(terminal: TestTerminal, x: number, y: number): boolean {
  const rows = Array.from({ length: terminal.rows }, (_, row) => terminal.row(row));
  const top = rows.findIndex((row) => row.includes("╭"));
  const bottom = rows.findIndex((row) => row.includes("╰"));
  const left = rows[top]?.indexOf("╭") ?? 0;
  const right = rows[top]?.indexOf("╮") ?? 0;
  return y >= top && y <= bottom && x >= left && x <= right;
}

const LEAST = { text: 4.5, sign: 3 };
/** How much of what is behind a dim text is in its color: terminals differ, this is about the middle. */
const DIM_SHARE = 0.33;

function toSvg(terminal: TestTerminal, colors: Background): string {
  const width = terminal.columns * CELL.width + 16;
  const height = terminal.rows * CELL.height + 16;
  const parts: string[] = [`<rect width="${width}" height="${height}" fill="${colors.background}"/>`];
  for (let y = 0; y < terminal.rows; y++) {
    for (let x = 0; x < terminal.columns; x++) {
      const cell = terminal.cell(x, y);
      if (cell.width === 0) {
        continue;
      }
      const { front, back } = colorsOf(cell, colors);
      const left = 8 + x * CELL.width;
      const top = 8 + y * CELL.height;
      const wide = CELL.width * cell.width;
      if (back !== colors.background) {
        // On whole pixels, or hairlines show between cells.
        const from = Math.round(left);
        const to = Math.round(left + wide);
        const [upper, lower] = [Math.round(top), Math.round(top + CELL.height)];
        parts.push(`<rect x="${from}" y="${upper}" width="${to - from}" height="${lower - upper}" fill="${back}"/>`);
      }
      if (cell.text.trim() !== "") {
        parts.push(
          `<text x="${left}" y="${top + 13}" fill="${front}"${cell.bold ? ' font-weight="bold"' : ""}>${escapeXml(cell.text)}</text>`,
        );
      }
      if (cell.underline) {
        parts.push(`<rect x="${left}" y="${top + CELL.height - 1.5}" width="${wide}" height="1" fill="${front}"/>`);
      }
    }
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" shape-rendering="crispEdges" width="${width}" height="${height}" ` +
    `font-family="${FONT}, Noto Sans Mono CJK SC, WenQuanYi Zen Hei, monospace" font-size="${CELL.font}">${parts.join("")}</svg>`
  );
}

let tooFaint = 0;

/** Draws a view for both backgrounds, as far as it is wanted, and looks at its contrast. */
function save(view: string, terminal: TestTerminal): void {
  const size = `${terminal.columns}x${terminal.rows}`;
  for (const [shade, colors] of [
    ["dark", DARK],
    ["light", LIGHT],
  ] as const) {
    const { text, sign, where } = faintest(terminal, colors);
    console.log(
      `${view.padEnd(14)} ${size.padEnd(7)} ${shade.padEnd(5)} text ${text.toFixed(1)}, signs ${sign.toFixed(1)}`,
    );
    if (where !== "") {
      tooFaint++;
      console.log(`  too faint: ${where}`);
    }
    const name = options.all ? `${view}-${size}-${shade}` : README[`${view} ${size} ${shade}`];
    if (name) {
      writeFileSync(join(target, `${name}.png`), toPng(terminal, colors));
    }
  }
}

const SIZES = [
  [80, 24],
  [160, 45],
  [220, 60],
] as const;

/** The file of each view that the README or the documentation shows. */
const README: Readonly<Record<string, string>> = {
  "overview 160x45 dark": "overview",
  "overview 160x45 light": "light",
  "overview 220x60 dark": "wide",
  "overview 80x24 dark": "small",
  "details 160x45 dark": "details",
  "help 160x45 dark": "help",
  "search 160x45 dark": "search",
  "log-filter 160x45 dark": "log-filter",
  "start 160x45 dark": "start",
  "confirm 160x45 dark": "confirm",
  "failure 160x45 dark": "failure",
  "disconnected 160x45 light": "disconnected",
};

function toPng(terminal: TestTerminal, colors: Background): Uint8Array {
  return new Resvg(toSvg(terminal, colors), {
    fitTo: { mode: "zoom", value: 1 },
    font: { loadSystemFonts: true, defaultFontFamily: FONT },
  })
    .render()
    .asPng();
}

/** What there is to see that stands alone. */
const PROCESSES: readonly (readonly [name: string, label: string, script: string])[] = [
  [
    "indexer",
    "app=search",
    "while :; do n=0; while [ $n -lt 20000 ]; do n=$((n+1)); done; echo indexed $n; sleep 0.2; done",
  ],
  ["migrate", "app=shop", "seq -f 'applying migration %03g' 1 42; exit 0"],
  ["backup", "app=batch", "echo 'no space left on device' >&2; exit 28"],
  ["worker-1", "app=queue", "while :; do echo job done; sleep 0.4; done"],
  ["worker-2", "app=queue", "kill -9 $$"],
];

const sh = (script: string): Pick<StartOptions, "executable" | "args"> => ({ executable: "sh", args: ["-c", script] });
const ready = { check: { kind: "output", pattern: "ready" }, intervalMs: 2000 } as const;

/** A project whose processes depend on one another: ready, not ready, waiting for what is not ready. */
const SHOP = [
  {
    name: "postgres",
    spec: {
      ...sh("sleep 1000 & sleep 1000 & echo ready to accept connections; wait"),
      readiness: ready,
      restart: { mode: "always" },
    },
  },
  {
    name: "api",
    labels: { app: "shop" },
    spec: {
      ...sh(
        'echo ready; i=0; while :; do i=$((i+1)); printf "\\033[32mGET\\033[0m /orders/%d \\033[2m200 %dms\\033[0m\\n" $i $((i%40+3)); [ $((i%7)) = 0 ] && echo "warning: slow query on orders, $i" >&2; sleep 0.05; done',
      ),
      cwd: "/tmp",
      env: { SHOP_DATABASE_URL: "postgres://shop:secret@db/shop", SHOP_REGION: "eu" },
      envMode: "extend",
      readiness: ready,
      dependsOn: [{ process: "postgres", condition: "ready" }],
      restart: { mode: "onFailure", maxAttempts: 5, windowMs: 600_000, backoff: { initialMs: 500, maxMs: 30_000 } },
    },
  },
  {
    name: "search",
    spec: { ...sh("echo loading the index; exec sleep 1000"), readiness: ready, restart: { mode: "always" } },
  },
  {
    name: "web",
    spec: { ...sh("exec sleep 1000"), dependsOn: [{ process: "search", condition: "ready" }] },
  },
] as const;

/** Long enough that nothing begins while pictures are made. */
const LONG_BACKOFF = { initialMs: 540_000, maxMs: 540_000, jitter: 0 } as const;
const SHORT_BACKOFF = { initialMs: 10, maxMs: 10, jitter: 0 } as const;

async function startSupervised(manager: ProcessManager): Promise<void> {
  for await (const { type } of manager.projects.apply("shop", { processes: SHOP, source: "/srv/shop/pm.yaml" })) {
    // What is not ready is waited for; with the plan it goes on by itself.
    if (type === "plan") {
      break;
    }
  }
  await manager.processes.start({
    ...sh("echo 'cannot reach the payment provider' >&2; exit 1"),
    name: "payments",
    restart: { mode: "onFailure", maxAttempts: 5, backoff: LONG_BACKOFF },
  });
  await manager.processes.start({
    ...sh("echo 'the license has expired' >&2; exit 3"),
    name: "thumbnails",
    restart: { mode: "onFailure", maxAttempts: 3, backoff: SHORT_BACKOFF },
  });
  await manager.queues.set("builds", { parallelism: 1 });
  for (const number of [1, 2, 3]) {
    await manager.processes.start({
      ...sh("echo building; exec sleep 1000"),
      name: `build-${number}`,
      queue: "builds",
    });
  }
  await manager.schedules.set("nightly-report", {
    timing: { kind: "cron", expression: "30 2 * * *" },
    template: { ...sh("echo report written"), name: "nightly-report" },
  });
}

mkdirSync(target, { recursive: true });
const runtimeDir = mkdtempSync(join(tmpdir(), "pm-screens-"));
const env = { PM_RUNTIME_DIR: runtimeDir, PM_NODE: process.execPath, XDG_CONFIG_HOME: runtimeDir };
execFileSync(pm, ["daemon", "start"], { env: { ...process.env, ...env }, stdio: "ignore" });
const manager = await ProcessManager.connect({ socket: join(runtimeDir, "pm.sock") });
const terminals: TestTerminal[] = [];
const open = (columns: number, rows: number, args: string[] = []): TestTerminal => {
  const terminal = new TestTerminal(pm, ["ui", ...args], { columns, rows, env, cwd: "/" });
  terminals.push(terminal);
  return terminal;
};
try {
  for (const [name, label, script] of PROCESSES) {
    const [key = "", value = ""] = label.split("=");
    await manager.processes.start({ ...sh(script), name, cwd: "/tmp", labels: { [key]: value } });
  }
  await startSupervised(manager);
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 600));
  // On a terminal: to be told what to do, and then to fail.
  const fragile = await manager.processes.start({
    executable: "sh",
    args: ["-c", "read -r _; echo 'ConnectionRefusedError: [Errno 111] connect to db:5432' >&2; exit 1"],
    name: "billing-worker",
    stdin: "pipe",
  });

  for (const [columns, rows] of SIZES.filter(([x, y]) => [undefined, `${x}x${y}`].includes(options.size))) {
    const terminal = open(columns, rows);
    const leave = async (): Promise<void> => {
      terminal.type("\x1b");
      await settle();
    };
    await terminal.shows("api");
    terminal.type("/api\r");
    await settle();
    await leave();
    await terminal.shows("GET /orders");
    // A trend wants some samples.
    await terminal.until("samples", () => /cpu +[▁▂▃▄▅▆▇█]{3}/.test(terminal.text()));
    await settle();
    save("overview", terminal);
    for (const [view, keys, shown] of [
      ["details", "i", "Executable"],
      ["help", "?", "Keys"],
      ["palette", ":", "Commands"],
      ["messages", "M", "Messages"],
    ] as const) {
      terminal.type(keys);
      await terminal.shows(shown);
      await settle();
      save(view, terminal);
      await leave();
    }
    for (const name of ["payments", "thumbnails", "build-3", "nightly-report", "web"]) {
      terminal.type(`/${name}\r`);
      await settle();
      await leave();
      await settle();
      save(`log-${name}`, terminal);
      terminal.type("i");
      await terminal.shows("Executable");
      await settle();
      save(`details-${name}`, terminal);
      await leave();
    }
    terminal.type(":sort by restarts\rg");
    await terminal.shows("by restarts");
    await settle();
    save("restarts", terminal);
    terminal.type(":sort by name\r/api\r");
    await settle();
    await leave();
    await terminal.shows("GET /orders");
    terminal.type("2/~slow.*orders\r");
    await terminal.shows("paused");
    await settle();
    save("search", terminal);
    await leave();
    terminal.type("&slow query\r++");
    await terminal.shows("±2");
    await settle();
    save("log-filter", terminal);
    await leave();
    terminal.type("1s");
    await terminal.shows("Start a process");
    terminal.type("python3 -m http.server 8080\t\x15/srv/www\t\tweb");
    await settle();
    save("start", terminal);
    await leave();
    terminal.type("/worker-\r*r");
    await terminal.shows("Restart 2 processes?");
    await settle();
    save("confirm", terminal);
    await leave();
    await leave();
    await leave();
  }
  await fragile.write("go\n");
  for (const terminal of terminals) {
    await terminal.shows("ConnectionRefusedError");
    await settle();
    save("failure", terminal);
  }
  await manager.daemon.shutdown({ stopProcesses: true, graceMs: 0 });
  for (const terminal of terminals) {
    await terminal.shows("disconnected");
    await settle();
    save("disconnected", terminal);
  }
  if (tooFaint > 0) {
    throw new Error(`${tooFaint} screens have text or signs that are too faint`);
  }
} finally {
  for (const terminal of terminals) {
    await terminal.close();
  }
  await manager.daemon.shutdown({ stopProcesses: true, graceMs: 0 }).catch(() => undefined);
  manager.close();
  rmSync(runtimeDir, { recursive: true, force: true });
}
