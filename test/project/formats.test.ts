import { describe, expect, it } from "vitest";
import { loadProject, readFiles } from "../../src/project/load.ts";
import { writePmYaml } from "../../src/project/write-yaml.ts";
import { machineWith, problemsOf } from "./machine.ts";

const caller = { PATH: "/bin", DISPLAY_SIZE: "800x600" };

/** A project of one file, with its notes as "line: text". What `import` writes of it must describe the same. */
function load(name: string, text: string, others: Record<string, string> = {}, more: Record<string, string> = {}) {
  const environment = { ...caller, ...more };
  const machine = machineWith({ [name]: text, ...others }, environment);
  const options = { files: [name], profiles: [] };
  const { description, notes } = loadProject(options, machine);
  const written = machineWith({ ...others, "pm.yaml": writePmYaml(readFiles([name], machine)) }, environment);
  const again = loadProject({ files: ["pm.yaml"], profiles: [] }, written).description;
  expect({ ...again, source: "" }).toEqual({ ...description, source: "" });
  const processes = Object.fromEntries(description.processes.map((process) => [process.name, process]));
  return { processes, description, notes: notes.map(({ place, message }) => `${place.line}: ${message}`) };
}

describe("a Procfile", () => {
  it("runs as foreman would", () => {
    const { processes, notes } = load(
      "Procfile",
      "# dev\nrelease: ./migrate\nweb: bin/serve -p $PORT --name ${NAME}\n\nwork-er: bin/work 'a b'",
      { ".env": "NAME=shop\nPATH=/opt/bin\n" },
    );
    expect(Object.keys(processes)).toEqual(["release", "web", "work-er"]);
    expect(processes["release"]?.stopped).toBe(true);
    expect(processes["web"]?.spec).toMatchObject({
      executable: "/bin/sh",
      args: ["-c", "bin/serve -p $PORT --name ${NAME}"],
      env: { PORT: "5100", NAME: "shop", PATH: "/opt/bin", DISPLAY_SIZE: "800x600" },
    });
    expect(processes["work-er"]?.spec.env["PORT"]).toBe("5200");
    expect(notes.map((note) => note.slice(0, 30))).toEqual(
      ['2: platforms run "release" befo', "1: foreman ends all processes w"].map((note) => note.slice(0, 30)),
    );
  });

  it.each([
    ["web bin/serve", ["1:1: a line must be NAME: COMMAND"]],
    ["web: a\nweb: b", ['2:1: "web" is there already']],
    ["# nothing", ["1:1: there is no process in this file"]],
    ["web:", ["1:1: a line must be NAME: COMMAND"]],
  ])("%j is refused", (text, expected) => {
    expect(problemsOf(() => load("Procfile", text))).toEqual(expected);
  });
});

describe("a process-compose.yaml", () => {
  it("is carried over", () => {
    const { processes, description, notes } = load(
      "process-compose.yaml",
      `version: "0.5"
log_level: debug
log_location: ./all.log
environment: ["MODE=dev", "SIZE=$DISPLAY_SIZE", "PATH"]
processes:
  db:
    command: "exec postgres -D \${PGDATA:-data}"
    working_dir: db
    availability: { restart: on_failure, max_restarts: 5, backoff_seconds: 2 }
    readiness_probe:
      exec: { command: "pg_isready -p $PGPORT" }
      initial_delay_seconds: 2
      period_seconds: 5
      timeout_seconds: 3
      success_threshold: 1
      failure_threshold: 20
    shutdown: { signal: 2, timeout_seconds: 15 }
  migrate:
    command: |
      set -e
      ./migrate up
    depends_on:
      db: { condition: process_healthy }
    availability: { restart: "no" }
  web:
    command: "serve 808{{.PC_REPLICA_NUM}}"
    replicas: 2
    is_tty: true
    namespace: front
    depends_on:
      migrate: { condition: process_completed_successfully }
      cache: { condition: process_log_ready }
    liveness_probe:
      http_get: { host: localhost, scheme: https, port: 8443, path: /up, status_code: 204 }
    shutdown: { command: "serve --stop" }
    availability: { restart: always, exit_on_end: true }
    environment: { DEBUG: 1 }
  cache:
    entrypoint: [redis-server, --port, "6379"]
    ready_log_line: "Ready to accept (all)"
    disabled: true
    is_daemon: true
  report:
    command: report
    schedule: { cron: "0 4 * * *", timezone: UTC }
    vars: { A: 1 }
`,
    );
    expect(Object.keys(processes)).toEqual(["db", "migrate", "web", "cache", "report"]);
    expect(processes["db"]?.spec).toEqual({
      executable: "bash",
      // The shell's, with the process's own variables.
      args: ["-c", "exec postgres -D ${PGDATA:-data}"],
      cwd: "/home/ada/shop/db",
      env: { ...caller, MODE: "dev", SIZE: "800x600" },
      restart: { mode: "onFailure", maxAttempts: 5, backoff: { initialMs: 2000, multiplier: 1 } },
      readiness: {
        check: { kind: "exec", command: { executable: "bash", args: ["-c", "pg_isready -p $PGPORT"] } },
        startPeriodMs: 2000,
        intervalMs: 5000,
        timeoutMs: 3000,
        successThreshold: 1,
        failureThreshold: 20,
      },
      stop: { signal: "2", graceMs: 15_000 },
    });
    expect(processes["migrate"]?.spec).toMatchObject({
      args: ["-c", "set -e\n./migrate up"],
      dependsOn: [{ process: "db", condition: "ready" }],
    });
    expect(processes["migrate"]?.spec).not.toHaveProperty("restart");
    expect(processes["web"]).toMatchObject({
      replicas: 2,
      labels: { namespace: "front" },
      spec: {
        args: ["-c", "serve 808$((PM_REPLICA - 1))"],
        terminal: { rows: 24, columns: 80 },
        env: { DEBUG: "1" },
        dependsOn: [
          { process: "migrate", condition: "completedSuccessfully" },
          { process: "cache", condition: "ready" },
        ],
        liveness: {
          check: { kind: "http", host: "localhost", port: 8443, path: "/up", tls: true, statusCodes: [204] },
        },
        stopCommand: { executable: "bash", args: ["-c", "serve --stop"] },
        restart: { mode: "always" },
      },
    });
    expect(processes["cache"]).toMatchObject({
      stopped: true,
      spec: {
        executable: "redis-server",
        args: ["--port", "6379"],
        readiness: { check: { kind: "output", pattern: "Ready to accept \\(all\\)" } },
      },
    });
    expect(processes["report"]?.stopped).toBe(true);
    expect(description.schedules).toEqual([
      { name: "report", process: "report", timing: { kind: "cron", expression: "0 4 * * *" }, timeZone: "UTC" },
    ]);
    expect(notes).toEqual([
      "3: no log files are written; pm keeps the output: pm logs",
      "36: the others run on when this process ends: exit_on_end",
      '46: "vars" of the process "report" is not carried over',
    ]);
  });

  it("knows replicas by their numbers, and unescapes what a shell is to see", () => {
    const { processes, notes } = load(
      "process-compose.yaml",
      `processes:
  config:
    command: 'for i in 0 1; do echo "n$\${i} $$(date)"; done'
  node:
    command: serve n$\${PC_REPLICA_NUM}.conf
    replicas: 2
    depends_on: { config: { condition: process_completed_successfully } }
    readiness_probe:
      http_get: { port: "822{{ .PC_REPLICA_NUM }}" }
    liveness_probe:
      exec: { command: "check 822{{ .PC_REPLICA_NUM }} $$HOME" }
  web:
    command: web
    depends_on:
      node-0: { condition: process_healthy }
      node-1: { condition: process_healthy }
`,
    );
    expect(processes["config"]?.spec.args).toEqual(["-c", 'for i in 0 1; do echo "n${i} $(date)"; done']);
    expect(processes["node"]?.spec).toMatchObject({
      args: ["-c", "serve n$((PM_REPLICA - 1)).conf"],
      liveness: { check: { kind: "exec", command: { args: ["-c", "check 822$((PM_REPLICA - 1)) $HOME"] } } },
    });
    expect(processes["node"]?.spec).not.toHaveProperty("readiness");
    expect(processes["web"]?.spec.dependsOn).toEqual([{ process: "node", condition: "ready" }]);
    expect(notes).toEqual([
      "9: the number of the replica can stand in commands alone; this probe is left out",
      '15: it waits for all replicas of "node", not for "node-0" alone',
      '16: it waits for all replicas of "node", not for "node-1" alone',
    ]);
  });

  it("takes a key that stands twice where nothing is read", () => {
    const { processes, notes } = load(
      "process-compose.yaml",
      `availability:
  forever: &forever { exit_on_end: true }
  forever: &once { restart: exit_on_failure }
processes:
  a: { command: x, availability: *forever }
  b: { command: y, availability: *once }
`,
    );
    expect(Object.keys(processes)).toEqual(["a", "b"]);
    expect(notes).toEqual([
      "3: this key is there already; the last one counts",
      "2: the others run on when this process ends: exit_on_end",
      "6: the others run on when this process fails: exit_on_failure",
      '1: "availability" of the file is not carried over',
    ]);
  });

  it("is known by what is in it, whatever it is called", () => {
    const { processes } = load("stack.yaml", "processes:\n  a: { command: x, working_dir: /srv }");
    expect(processes["a"]?.spec).toMatchObject({ executable: "bash", cwd: "/srv" });
  });

  it("names misspelled fields", () => {
    const { notes } = load(
      "process-compose.yml",
      "processes:\n  a:\n    command: x\n    comand: y\n    availability: {restart: sometimes}",
    );
    expect(notes).toEqual([
      '5: "sometimes" is no way to restart',
      '4: "comand" of the process "a" is not carried over (did you mean "command"?)',
    ]);
  });

  it.each([
    ["version: '0.5'", ['1:1: there are no "processes" in this file']],
    [
      "processes:\n  a: {command: x, depends_on: {b: {condition: process_started}}}",
      ['2:32: there is no process "b" in the project'],
    ],
    ["processes:\n  a: {command: x, readiness_probe: {period_seconds: 5}}", ["2:36: a probe needs exactly one of"]],
    ["processes:\n  a: {command: {x: 1}}", ["2:16: expected a value, not a mapping"]],
  ])("%j is refused at its own place", (text, expected) => {
    const found = problemsOf(() => load("process-compose.yaml", text));
    expect(found.map((message, index) => message.slice(0, expected[index]?.length))).toEqual(expected);
  });
});

describe("a supervisord.conf", () => {
  it("is carried over with the files that it includes", () => {
    const { processes, notes } = load(
      "supervisord.conf",
      `[supervisord]
nodaemon=true
environment=GLOBAL="yes"
[unix_http_server]
file=/tmp/s.sock
[program:web]
command=/usr/bin/gunicorn "my app:main" --size %(ENV_DISPLAY_SIZE)s --name %(program_name)s --rate 50%% ; comment
directory=%(here)s/web
autorestart=true
startretries=10
startsecs=5
stopsignal=QUIT
stopwaitsecs=30
environment=A="x, y",B='z',
    PATH="/opt/bin:%(ENV_PATH)s",C=plain
umask=022
stdout_logfile=/var/log/web.log
redirect_stderr=true
user=www-data
priority=10
[program:worker]
command=work --id %(process_num)02d
process_name=%(program_name)s_%(process_num)02d
numprocs=3
autostart=false
exitcodes=0,2
[eventlistener:memmon]
command=memmon
[group:backend]
programs=worker
[include]
files = conf.d/*.conf
`,
      { "/home/ada/shop/conf.d/cron.conf": "[program:cron]\ncommand=cron -f\nautorestart=false\nautorestrat=1\n" },
    );
    expect(processes["web"]?.spec).toEqual({
      executable: "/usr/bin/gunicorn",
      args: ["my app:main", "--size", "800x600", "--name", "web", "--rate", "50%"],
      cwd: "/home/ada/shop/web",
      env: { ...caller, GLOBAL: "yes", A: "x, y", B: "z", PATH: "/opt/bin:/bin", C: "plain" },
      restart: { mode: "always", maxAttempts: 10, stableMs: 5000 },
      stop: { signal: "QUIT", graceMs: 30_000 },
      umask: 0o022,
    });
    expect(processes["worker"]).toMatchObject({
      replicas: 3,
      stopped: true,
      labels: { group: "backend" },
      spec: {
        args: ["-c", `exec 'work' '--id' ''"$((PM_REPLICA - 1))"''`],
        restart: { mode: "onFailure", maxAttempts: 3, stableMs: 1000 },
        successCodes: [0, 2],
      },
    });
    expect(processes["cron"]?.spec).not.toHaveProperty("restart");
    expect(notes).toEqual([
      "19: a process runs as the daemon's user: user=www-data",
      "20: there is no order by priority; say what it depends on: priority=10",
      "21: its 3 processes are called worker.1 and so on",
      "27: [eventlistener:memmon] is not carried over: pm has no such thing",
      '4: "autorestrat" of [program:cron] is not carried over (did you mean "autorestart"?)',
      "17: no log files are written; pm keeps the output: pm logs",
    ]);
  });

  it("takes the number of its processes from the environment", () => {
    const { processes, notes } = load(
      "supervisord.conf",
      `[program:worker]
command=work %(process_num)s
process_name=%(program_name)s-%(process_num)s
numprocs=%(ENV_COUNT)s
numprocs_start=1
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
stderr_logfile=NONE
[program:web]
command=serve
process_name=www
`,
      {},
      { COUNT: "3" },
    );
    expect(processes["worker"]).toMatchObject({
      replicas: 3,
      spec: { args: ["-c", `exec 'work' ''"$((PM_REPLICA + 0))"''`] },
    });
    expect(processes["web"]).not.toHaveProperty("replicas");
    expect(notes).toEqual(["1: its ${COUNT} processes are called worker.1 and so on", "9: it is called web, not www"]);
  });

  it.each([
    ["[program:a]\nautostart=true", ["1:1: [program:a] needs a command"]],
    ["command=x", ["1:1: this stands before any [section]"]],
    ["[supervisord]\nnodaemon=true", ["1:1: there is no [program:…] in this file"]],
    [
      "[supervisord]\n[include]\nfiles = conf.d/*.conf",
      ["3:1: there is no [program:…] in this file, nor in what it includes: conf.d/*.conf"],
    ],
    ["[program:a]\ncommand=x 'open", ["2:1: no closing quotation mark '"]],
    ["[program:a]\ncommand=x %(nowhere)s", ["2:1: %(nowhere)s is not known"]],
    ["[program:a]\ncommand=x 50%", ['2:1: a "%" must be "%%" or begin a %(name)s']],
    ["[program:a]\ncommand=x\nenvironment=A=1,,B=2", ["3:1: environment must be KEY="]],
    ["[program:a]\ncommand=x %(ENV_NONE)s", ["2:1: the variable NONE is not set"]],
    ["[program:a]\ncommand=x\nnonsense", ["3:1: expected KEY = VALUE"]],
  ])("%j is refused", (text, expected) => {
    const found = problemsOf(() => load("supervisord.conf", text));
    expect(found.map((message, index) => message.slice(0, expected[index]?.length))).toEqual(expected);
  });
});

describe("an ecosystem file of pm2", () => {
  it("is carried over as JSON", () => {
    const { processes, notes } = load(
      "ecosystem.json",
      JSON.stringify({
        apps: [
          {
            name: "api",
            script: "./dist/api.js",
            args: "--port 80 --title 'a b'",
            cwd: "/srv/api",
            instances: 4,
            exec_mode: "cluster",
            node_args: ["--max-old-space-size=512"],
            max_memory_restart: "300M",
            exp_backoff_restart_delay: 100,
            env: { NODE_ENV: "development", TEMPLATE: "${x}" },
            env_production: { NODE_ENV: "production" },
            kill_timeout: 5000,
            out_file: "/var/log/api.log",
            watch: true,
          },
          { script: "worker.py", autorestart: false, interpreter: "python3.12" },
        ],
      }),
    );
    expect(processes["api"]).toMatchObject({
      replicas: 4,
      spec: {
        executable: "node",
        args: ["--max-old-space-size=512", "./dist/api.js", "--port", "80", "--title", "a b"],
        cwd: "/srv/api",
        env: { NODE_ENV: "development", TEMPLATE: "${x}" },
        stop: { signal: "SIGINT", graceMs: 5000 },
        restart: {
          mode: "always",
          maxAttempts: 16,
          stableMs: 1000,
          memoryBytes: 300 * 1024 ** 2,
          backoff: { initialMs: 100, multiplier: 1.5, maxMs: 15_000 },
        },
      },
    });
    expect(processes["worker"]?.spec).toMatchObject({ executable: "python3.12", args: ["worker.py"] });
    expect(processes["worker"]?.spec).not.toHaveProperty("restart");
    expect(notes.map((note) => note.slice(0, 40))).toEqual(
      [
        'the instances of "api" do not share a port: that is pm2\'s cluster mode',
        '"api" is not restarted when files change: watch',
        'the environment "production" is not carried over; use a second file: pm up -f',
        "no log files are written; pm keeps the output: pm logs",
      ].map((note) => `1: ${note}`.slice(0, 40)),
    );
  });
});
