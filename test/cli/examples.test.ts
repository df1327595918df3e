/** Every command has an example in its help, and every example does what it says. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, vi } from "vitest";
import type { Command } from "../../src/cli/command.ts";
import { registry } from "../../src/cli/commands/registry.ts";
import { requires } from "../support/requires.ts";
import { TestTerminal } from "../support/terminal.ts";
import { type Pm, test } from "./support/pm.ts";

/** A command has several examples, each with processes of its own, on a machine that may be busy. */
vi.setConfig({ testTimeout: 300_000 });

const has = (program: string): boolean => spawnSync(program, ["--version"]).error === undefined;
const tools = requires("bash and jq", has("bash") && has("jq"));

/** How an example is run, where it is not simply run to an end with exit code 0. */
interface Run {
  /** Before it; the processes of {@link usual} are there. */
  readonly before?: string;
  /** @default 0 */
  readonly code?: number;
  /** What it prints. */
  readonly out?: RegExp;
  /** What stands for a place that is the machine's. */
  readonly instead?: Readonly<Record<string, string>>;
  /** It goes on until it is interrupted: once this has been seen on standard output or error. */
  readonly until?: RegExp;
  /** In a pseudo-terminal: what is typed once which text is seen. */
  readonly terminal?: readonly (readonly [seen: RegExp, typed: string])[];
  readonly shell?: "zsh" | "fish";
  /** Not run: why, and what is run instead. */
  readonly not?: readonly [reason: string, instead: string];
}

/** The processes that examples speak of; `web-1` has ended, `api` reads its input and takes signals. */
const usual = `
[ -S "$PM_RUNTIME_DIR/pm.sock" ] || pm daemon start 2>/dev/null
pm rm -f --all >/dev/null
pm start -n api -l app=web -l tier=front -i -e TRACE=1 -- sh -c 'trap "echo hup" HUP USR1; echo hello; echo ERROR; while :; do read -r x || sleep 0.1; done' >/dev/null
pm start -n web-1 -l app=web -l tier=front -- sh -c 'echo WARN; exit 0' >/dev/null
pm wait --for output web-1
`;
const none = "pm stop -f --all >/dev/null; pm rm -f --all >/dev/null";
const project = `printf 'name: shop\\nprocesses:\\n  db: {command: [sleep, "600"]}\\n  web: {command: [sleep, "600"], depends_on: [db]}\\n  worker: {command: [sleep, "600"]}\\n' >pm.yaml; printf 'processes:\\n  web: {env: {LOG: debug}}\\n' >pm.override.yaml`;
const up = `${project}; pm up -d >/dev/null`;
const down = "; pm down >/dev/null 2>&1; rm -f pm.yaml pm.override.yaml";
const nightly = "pm schedule rm nightly 2>/dev/null; pm schedule add --cron '30 2 * * *' nightly -- true";
const encode =
  "pm queue add -j 1 encode; pm start -q encode -n first -- sleep 600 >/dev/null; pm start -q encode -n second -- sleep 600 >/dev/null; pm start -q encode -n urgent -- sleep 600 >/dev/null";
const noUsers = 'rm -rf "$XDG_CONFIG_HOME"';
const ann = `${noUsers}; echo old-password | pm user add ann 2>/dev/null`;
const password = [
  [/Password for ann:/, "a long password\r"],
  [/Again:/, "a long password\r"],
] as const;

const runs: Readonly<Record<string, Run>> = {
  "id=$(pm start -- sh -c 'echo out; exit 7')": { instead: { "exit 7')": "exit 7'); pm wait $id" }, code: 7 },
  "pm start -n api -C /srv/api -e PORT=8080 -- node server.js": {
    before: `${none}; mkdir -p srv/api; echo 'console.log(process.cwd(), process.env.PORT)' >srv/api/server.js`,
    instead: { "/srv/api": "srv/api", "server.js": "server.js >/dev/null; pm wait --for output api; pm logs api" },
    out: /srv\/api 8080\n$/,
  },
  "pm start -n worker --restart on-failure:5 -- ./worker": { before: "cp /bin/true worker" },
  "pm start --in 10m -- ./cleanup": { before: "cp /bin/true cleanup" },
  "pm run --rm -- make test": { before: "printf 'test:\\n\\t@echo passed\\n' >Makefile", out: /^passed\n$/ },
  "pm run -it --rm -- bash": { terminal: [[/[#$] *$/m, "exit 3\r"]], code: 3 },
  "tar cf - . | pm run -i --rm -- tar tf - | wc -l": { out: /^ *[1-9]\d*\n$/ },
  "pm stop -t 30 --force api": { out: /^api SIGTERM\n$/ },
  "pm stop -l tier=front 'web-*'": { before: "pm start -n web-2 -l tier=front sleep 600", out: /^web-2 SIGTERM\n$/ },
  "pm stop -o json api | jq .process.run.exit": { out: /"signal": 15/ },
  "pm kill -9 api": { out: /^api SIGKILL\n$/ },
  "pm kill -HUP api": {
    instead: { "-HUP api": "-HUP api; until pm logs api | grep hup; do sleep 0.1; done" },
    out: /hup/,
  },
  "pm kill -s USR1 -l tier=front": { out: /^api\n$/ },
  "pm kill -l": { out: /^ 1 SIGHUP$/m },
  "pm restart --force api": { out: /^api SIGTERM\n$/ },
  "pm restart -e PORT=8081 api": { out: /^api SIGTERM\n$/ },
  "pm restart api -- sleep 3600": { out: /^api SIGTERM\n$/ },
  "pm restart -l app=web": { out: /^api SIGTERM\n$/ },
  "pm update -n api-old -l tier=back api": {
    instead: { "back api": "back api && pm ls -o name -l tier=back" },
    out: /api-old\n$/,
  },
  "pm status -o json api | jq .run.exit": { before: "pm stop api >/dev/null", out: /"signalName": "SIGTERM"/ },
  "pm status -o wide 'web-*'": { out: /web-1 / },
  "pm inspect --format run.exit.code api": {
    before: "pm restart api -- sh -c 'exit 4' >/dev/null; pm wait api || :",
    out: /^4\n$/,
  },
  "pm inspect -o yaml api": { out: /^name: api$/m },
  "pm ls -a": { out: /web-1 / },
  "pm ls -aq -l app=web | xargs pm rm": { before: "pm stop --all >/dev/null", out: /[0-9a-f-]{36}\n/ },
  "pm ls -o json | jq -r '.processes[].id'": { out: /^[0-9a-f-]{36}\n$/ },
  "pm logs -f -n 100 api": { until: /hello/, code: 130 },
  "pm logs api | sha256sum": { out: /^[0-9a-f]{64} / },
  "pm logs --since 1h --grep 'ERROR|WARN' 'web-*'": { out: /WARN\n$/ },
  "pm logs -o jsonl api | jq -r .line": { out: /^hello$/m },
  "pm stats --no-stream": { out: /^api /m },
  "pm stats --no-stream -o json 'web-*' | jq .usages[].residentBytes": {
    before: "pm start -n web-2 sleep 600",
    out: /^"\d+"\n$/,
  },
  "pm events api": { out: /api run 1: state starting -> running/ },
  "pm events -o jsonl --type signaled | jq -r .cause.principal": { before: "pm kill -HUP api", out: /^local$/m },
  "pm wait -t 10m --for output build": { before: "pm start -n build -- sh -c 'echo built; exit 0'" },
  "pm wait --any web api": { before: "pm start -n web true", out: /^web 0\n$/ },
  "pm wait -l app=jobs": { before: "pm start -n job -l app=jobs true", out: /^job 0\n$/ },
  "pm start -n shell --tty -- bash; pm attach shell": {
    terminal: [
      [/[#$] *$/m, "echo from-$((1+1))-shell\r"],
      [/from-2-shell/, "\u001d"],
    ],
    out: /detached from shell/,
  },
  "pm attach --no-stdin -n 20 api": { before: "pm restart api -- sh -c 'echo bye; sleep 1' >/dev/null", out: /bye/ },
  "echo reload | pm send console": {
    before: "pm start -n console -i -- sh -c 'read -r x; echo got $x'",
    instead: { "send console": "send console; pm wait --for output console; pm logs console" },
    out: /^got reload\n$/,
  },
  "echo quit | pm send -l app=game": { before: "pm start -n game -l app=game -i cat" },
  "pm rm -l app=web": { before: "pm stop --all >/dev/null", out: /^(api|web-1)\n(api|web-1)\n$/ },
  "pm rm -f api": { out: /^api\n$/ },
  "pm up -d": { before: project, out: /^web: created$/m },
  "pm up -f pm.yaml -f pm.override.yaml web": { before: project, until: /web: created/, code: 130 },
  "pm down": { before: up, out: /^web: removed$/m },
  "pm down -p shop -t 30": { before: up, out: /^web: removed$/m },
  "pm diff || pm up -d": { before: project, out: /^web: created$/m },
  "pm diff -o jsonl | jq -r .name": { before: project, out: /^web$/m, code: 1 },
  "pm reload": { before: `${up}; sed -i 's/600/500/' pm.yaml`, out: /^worker: restarted$/m },
  "pm reload --all": { before: up, out: /^worker: restarted$/m },
  "pm project ls": { before: up, out: /^shop +3/m },
  "pm project show -o yaml shop": { before: up, out: /^name: shop$/m },
  "pm scale worker=4": { before: up, out: /^worker\.4: created$/m },
  "pm import Procfile": { before: "printf 'web: sleep 600\\n' >Procfile", out: /^ {2}web:/m },
  "pm import -o pm.yaml supervisord.conf && pm diff": {
    before: "rm -f pm.yaml; printf '[program:web]\\ncommand=sleep 600\\n' >supervisord.conf",
    out: /web: create/,
    code: 1,
  },
  "pm schedule add --cron '30 2 * * *' --zone Europe/Berlin nightly -- pg_dump -f /backup/shop shop": {},
  "pm schedule add --every 10m --process poll every-10m": { before: "pm start -n poll true" },
  "pm schedule ls": { before: nightly, out: /^nightly /m },
  "pm schedule ls -o json | jq -r '.schedules[] | [.name, .nextTime] | @tsv'": {
    before: nightly,
    out: /^nightly\t\d/m,
  },
  "pm schedule run nightly": { before: nightly },
  "pm schedule pause nightly": { before: nightly },
  "pm schedule resume nightly": { before: nightly },
  "pm schedule rm nightly": { before: nightly },
  "pm queue add -j 2 encode && pm start -q encode -- ffmpeg -i a.mov a.mp4": { out: /^[0-9a-f-]{36}\n$/ },
  "pm queue set -j 4 encode": { before: encode },
  "pm queue ls": { before: encode, out: /^encode +open +1\/1 +first +second, urgent/m },
  "pm queue ls -o json | jq '.queues[] | {name, waiting: (.waiting // [] | length)}'": {
    before: encode,
    out: /"waiting": 2/,
  },
  "pm queue move encode urgent 1": {
    before: encode,
    instead: { "urgent 1": "urgent 1; pm queue ls" },
    out: /first +urgent, second/,
  },
  "pm queue pause encode": { before: encode },
  "pm queue resume encode": { before: encode },
  "pm queue rm encode": { before: "pm queue add encode" },
  "pm prune --older-than 1h": {},
  "pm prune --dry-run -o json | jq .freedBytes": { out: /^"\d+"\n$/ },
  "pm ui": { terminal: [[/web-1|api/, "q"]] },
  "INK_SCREEN_READER=true pm ui": { terminal: [[/api/, "q"]] },
  "pm daemon start -o json 2>/dev/null | jq .pid": { out: /^\d+\n$/ },
  "pm daemon status -o json | jq .pid": { out: /^\d+\n$/ },
  "pm daemon run --log-level debug": { before: "pm daemon stop --stop-processes -t 0 2>/dev/null", until: /ready/ },
  "pm daemon run --runtime-dir /run/build": {
    before: "mkdir -p -m 700 run",
    instead: { "/run/build": '"$PM_RUNTIME_DIR/run/build"' },
    until: /ready/,
  },
  'tail -f "$(pm daemon logs --path)"': { until: /ready/, code: 130 },
  "pm daemon check --config new.yaml && mv new.yaml ~/.config/pm/daemon.yaml": {
    before: "printf 'log:\n  level: debug\n' >new.yaml; mkdir -p ~/.config/pm",
    out: /log level: debug/,
  },
  "pm daemon logs | tail -n 20": { out: /ready/ },
  "pm install-service --print": { out: /ExecStart=/ },
  "sudo pm install-service --system": {
    not: ["it would install a service on this machine", "pm install-service --system --print"],
    out: /ExecStart=/,
  },
  "pm init && pm daemon start && pm --context dev ls": {
    before: 'pm daemon stop --stop-processes -t 0 2>/dev/null; rm -rf "$XDG_CONFIG_HOME"',
    // The port of everybody may be in use.
    instead: { "pm init": 'pm init --listen "127.0.0.1:$PORT"' },
    out: /NAME +ID/,
  },
  "pm init --listen 0.0.0.0 --san box.example": { before: noUsers, out: /daemon\.yaml$/m },
  "pm context add box --address https://box:7443 --ca ca.crt --cert me.crt --key me.key --user me": {
    before: noUsers,
    terminal: [[/Password of me:/, "secret\r"]],
    out: /added the context box/,
  },
  "pm context add build --address unix:///run/build/pm.sock": { before: noUsers },
  "pm context use box": { before: `${noUsers}; pm context add box --address https://box:7443` },
  "pm context use default": { before: noUsers },
  "pm context ls": { out: /^\* +default/m },
  "pm context ls -o json | jq -r '.[] | select(.current).address'": { before: noUsers, out: /^unix:.*pm\.sock\n$/ },
  "pm context show": { before: noUsers, out: /^Name +default$/m },
  "pm context show -o name": { before: noUsers, out: /^default\n$/ },
  "pm context rm box": { before: `${noUsers}; pm context add box --address https://box:7443` },
  "pm user add ann": { before: noUsers, terminal: password, out: /added ann/ },
  "pm user add ann <password.txt": { before: `${noUsers}; echo 'a long password' >password.txt` },
  "pm user passwd ann": { before: ann, terminal: password, out: /changed the password of ann/ },
  "pm user passwd ann <password.txt": { before: `${ann}; echo 'a long password' >password.txt` },
  "pm user rm ann": { before: ann },
  "pm user ls": { before: ann, out: /^ann\n$/ },
  "pm user ls -o json | jq length": { before: ann, out: /^1\n$/ },
  "pm cert": { before: `${noUsers}; pm init >/dev/null 2>&1`, out: /daemon: server/ },
  "pm cert server.crt": {
    before: `${noUsers}; pm init >/dev/null 2>&1; cp "$XDG_CONFIG_HOME"/pm/tls/server.crt .`,
    out: /server\.crt/,
  },
  "pm cert -o json | jq -r '.[] | [.file, .certificate.notAfter] | @tsv'": {
    before: `${noUsers}; pm init >/dev/null 2>&1`,
    out: /crt\t\d{4}-/,
  },
  "source <(pm completion zsh)": { shell: "zsh", instead: { source: "autoload -U compinit; compinit -u; source" } },
  "pm completion fish | source": { shell: "fish" },
  "pm version": { out: /^pm \d/ },
  "pm version -o json | jq -r .daemon.version": { out: /^\d+\./ },
  "pm help start": { out: /^Usage: pm start/m },
  "pm help queue add": { out: /^Usage: pm queue add/m },
};

interface Named {
  readonly words: string;
  readonly command: Command;
}

// What the build puts in.
Object.assign(globalThis, { __PM_VERSION__: "0.0.0" });

const commands: readonly Named[] = await Promise.all(
  Object.entries(registry)
    .filter(([name]) => !name.startsWith("__"))
    .flatMap(([name, entry]) =>
      "load" in entry
        ? [{ words: name, entry }]
        : Object.entries(entry.commands).map(([word, one]) => ({ words: `${name} ${word}`, entry: one })),
    )
    .map(async ({ words, entry }) => ({ words, command: (await entry.load()).command })),
);

test("every command has an example, which begins with what it is about", () => {
  const without = commands.filter(({ command: { examples = [] } }) => examples.length === 0).map(({ words }) => words);
  expect(without).toEqual([]);
  for (const { words, command } of commands) {
    expect(
      command.examples?.some(([line]) => line.includes(`pm ${words}`)),
      words,
    ).toBe(true);
  }
  const lines = new Set(commands.flatMap(({ command: { examples = [] } }) => examples.map(([line]) => line)));
  expect(Object.keys(runs).filter((line) => !lines.has(line))).toEqual([]);
});

describe.concurrent("examples of", () => {
  for (const { words, command } of commands) {
    test.runIf(tools)(`pm ${words}`, async ({ pm }) => {
      const env = await makeScope(pm);
      for (const [line] of command.examples ?? []) {
        await runExample(pm, line, runs[line] ?? {}, env);
      }
    });
  }
});

/** A home and a directory to be in, with programs that examples call and that are not everywhere. */
async function makeScope(pm: Pm): Promise<Readonly<Record<string, string>>> {
  const bin = join(pm.runtimeDir, "bin");
  mkdirSync(bin);
  for (const name of ["pg_dump", "ffmpeg"]) {
    writeFileSync(join(bin, name), '#!/bin/sh\necho "$0 $*"\n');
    chmodSync(join(bin, name), 0o755);
  }
  mkdirSync(join(pm.runtimeDir, "home"));
  return {
    HOME: join(pm.runtimeDir, "home"),
    PATH: `${bin}:${pm.env["PATH"]}`,
    PORT: String(await freePort()),
    PS1: "$ ",
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function runExample(pm: Pm, line: string, run: Run, env: Readonly<Record<string, string>>): Promise<void> {
  if (run.shell !== undefined && !has(run.shell)) {
    return;
  }
  const begin = `cd "$HOME"; ${usual}${run.before ?? ":"}`;
  const before = await pm.shell(begin, { env });
  expect(before.code, `before ${line}: ${before.err}`).toBe(0);
  const script = Object.entries(run.instead ?? {}).reduce(
    (text, [place, other]) => text.replace(place, () => other),
    run.not?.[1] ?? line,
  );
  const result = await (run.terminal !== undefined
    ? inTerminal(pm, script, run.terminal, env)
    : run.until !== undefined
      ? interrupted(pm, script, run.until, env)
      : toEnd(pm, script, run.shell ?? "bash", env));
  expect(result, line).toMatchObject({ code: run.code ?? 0 });
  expect(result.out, `${line}\n${result.err}`).toMatch(run.out ?? /(?:)/);
  const after = await pm.shell(
    `cd "$HOME"${line.includes(".yaml") || (run.before ?? "").includes("pm.yaml") ? down : ""}`,
    {
      env,
    },
  );
  expect(after.code, after.err).toBe(0);
}

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function toEnd(pm: Pm, script: string, shell: string, env: Readonly<Record<string, string>>): Promise<Outcome> {
  const strict = shell === "bash" ? "set -o pipefail; " : "";
  return pm.shell(`cd "$HOME"; exec ${shell} -c "$SCRIPT"`, { env: { ...env, SCRIPT: `${strict}${script}` } });
}

/** Standard output and error are one, as on a terminal. */
async function interrupted(
  pm: Pm,
  script: string,
  until: RegExp,
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const terminal = open(pm, script, env);
  try {
    await terminal.shows(until);
    terminal.type("\u0003");
    const { code, signal } = await terminal.exited;
    return { code: signal === 0 ? code : 128 + signal, out: terminal.raw, err: "" };
  } finally {
    await terminal.close();
  }
}

async function inTerminal(
  pm: Pm,
  script: string,
  dialog: NonNullable<Run["terminal"]>,
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const terminal = open(pm, script, env);
  try {
    for (const [seen, typed] of dialog) {
      await terminal.shows(seen);
      terminal.type(typed);
    }
    const { code } = await terminal.exited;
    return { code, out: terminal.raw, err: "" };
  } finally {
    await terminal.close();
  }
}

function open(pm: Pm, script: string, env: Readonly<Record<string, string>>): TestTerminal {
  const own = Object.entries({ ...pm.env, ...env }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return new TestTerminal("/bin/bash", ["--norc", "-c", script], {
    cwd: env["HOME"] ?? "/",
    env: { ...Object.fromEntries(own), TERM: "xterm-256color", NO_COLOR: "1" },
  });
}
