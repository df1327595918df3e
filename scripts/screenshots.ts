/**
 * Draws the dashboard's main views into docs/screenshots/*.png: the built
 * `pm ui` in a pseudo-terminal on a daemon of its own, its cells as SVG, the
 * SVG as PNG.
 *
 * Usage: npm run build, then node scripts/screenshots.ts
 * Needs a monospaced font with box drawing (DejaVu Sans Mono) on this machine.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Resvg } from "@resvg/resvg-js";
import { ProcessManager } from "../src/sdk/index.ts";
import { TestTerminal } from "../test/support/terminal.ts";

const root = join(import.meta.dirname, "..");
const target = join(root, "docs/screenshots");
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

function toSvg(terminal: TestTerminal, colors: Background): string {
  const color = (index: number | null, fallback: string): string =>
    index === null
      ? fallback
      : (colors.palette[index] ?? (index > 255 ? `#${index.toString(16).padStart(6, "0")}` : fallback));
  const width = terminal.columns * CELL.width + 16;
  const height = terminal.rows * CELL.height + 16;
  const parts: string[] = [`<rect width="${width}" height="${height}" fill="${colors.background}"/>`];
  for (let y = 0; y < terminal.rows; y++) {
    for (let x = 0; x < terminal.columns; x++) {
      const cell = terminal.cell(x, y);
      if (cell.width === 0) {
        continue;
      }
      let front = color(cell.foreground, colors.foreground);
      let back = color(cell.background, colors.background);
      if (cell.inverse) {
        [front, back] = [back, front];
      }
      if (cell.dim) {
        front = mix(front, back, 0.4);
      }
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

function save(name: string, terminal: TestTerminal, colors: Background = DARK): void {
  const png = new Resvg(toSvg(terminal, colors), {
    fitTo: { mode: "zoom", value: 1 },
    font: { loadSystemFonts: true, defaultFontFamily: FONT },
  })
    .render()
    .asPng();
  writeFileSync(join(target, `${name}.png`), png);
}

/** What there is to see. */
const PROCESSES: readonly (readonly [name: string, label: string, script: string])[] = [
  [
    "api",
    "app=shop",
    'i=0; while :; do i=$((i+1)); printf "\\033[32mGET\\033[0m /orders/%d \\033[2m200 %dms\\033[0m\\n" $i $((i%40+3)); [ $((i%7)) = 0 ] && echo "warning: slow query on orders, $i" >&2; sleep 0.05; done',
  ],
  ["checkout", "app=shop", "while :; do echo heartbeat; sleep 1; done"],
  [
    "indexer",
    "app=search",
    "while :; do n=0; while [ $n -lt 20000 ]; do n=$((n+1)); done; echo indexed $n; sleep 0.2; done",
  ],
  ["mailer", "app=shop", "echo queue empty; exec sleep 1000"],
  ["migrate", "app=shop", "seq -f 'applying migration %03g' 1 42; exit 0"],
  ["nightly-report", "app=batch", "echo 'no space left on device' >&2; exit 28"],
  ["postgres", "app=db", "sleep 1000 & sleep 1000 & sleep 1000 & wait"],
  ["redis", "app=db", "exec sleep 1000"],
  ["worker-1", "app=queue", "while :; do echo job done; sleep 0.4; done"],
  ["worker-2", "app=queue", "kill -9 $$"],
];

mkdirSync(target, { recursive: true });
const runtimeDir = mkdtempSync(join(tmpdir(), "pm-screens-"));
const env = { PM_RUNTIME_DIR: runtimeDir, PM_NODE: process.execPath };
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
    await manager.processes.start({
      executable: "sh",
      args: ["-c", script],
      name,
      cwd: "/tmp",
      labels: { [key]: value },
      env: { SHOP_DATABASE_URL: "postgres://shop:secret@db/shop", SHOP_REGION: "eu" },
      envMode: "extend",
    });
  }
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 600));

  const overview = open(150, 40);
  await overview.shows("GET /orders");
  // A sparkline wants some samples.
  await overview.until("samples", (terminal) => /cpu +[▁▂▃▄▅▆▇█]{8}/.test(terminal.text()));
  await settle();
  save("overview", overview);
  overview.type("i");
  await overview.shows("Process tree");
  await settle();
  save("details", overview);
  overview.type("\x1b");
  await settle();
  overview.type("?");
  await overview.shows("Half a page down");
  await settle();
  save("help", overview);
  overview.type("\x1b");
  await settle();
  overview.type("2/~slow.*orders\r");
  await overview.shows("paused");
  await settle();
  save("search", overview);
  overview.type("\x1b");
  await settle();
  overview.type("&slow query\r++");
  await overview.shows("±2");
  await settle();
  save("log-filter", overview);
  overview.type("\x1b");
  await settle();
  overview.type("1s");
  await overview.shows("Start a process");
  overview.type("python3 -m http.server 8080\t\x15/srv/www\t\tweb");
  await settle();
  save("start", overview);
  overview.type("\x1b");
  await settle();
  overview.type("/worker\r*r");
  await overview.shows("Restart 2 processes?");
  await settle();
  save("confirm", overview);

  const light = open(150, 40, ["--theme=dusk"]);
  await light.shows("GET /orders");
  await settle();
  await settle();
  save("light", light, LIGHT);
  const wide = open(220, 40);
  await wide.shows("GET /orders");
  await settle();
  await settle();
  save("wide", wide);
  const small = open(60, 16);
  await small.shows("api");
  await settle();
  save("small", small);

  await manager.daemon.shutdown({ stopProcesses: true, graceMs: 0 });
  const banner = light;
  await banner.shows("disconnected");
  await settle();
  save("disconnected", banner);
} finally {
  for (const terminal of terminals) {
    await terminal.close();
  }
  await manager.daemon.shutdown({ stopProcesses: true, graceMs: 0 }).catch(() => undefined);
  manager.close();
  rmSync(runtimeDir, { recursive: true, force: true });
}
