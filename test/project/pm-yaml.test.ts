import { describe, expect, it } from "vitest";
import { loadProject } from "../../src/project/load.ts";
import { describePm, machineWith } from "./machine.ts";

const full = `
x-probe: &fast
  interval: 2s
  timeout: 500ms
name: shop
env:
  TIER: dev
shell: [/bin/bash, -ec]
processes:
  db:
    command: [postgres, -D, data]
    cwd: db
    restart: unless-stopped
    readiness:
      <<: *fast
      exec: pg_isready -h localhost
      failure_threshold: 5
    stop: { signal: INT, grace_period: 1m30s }
  migrate:
    command: ./migrate up
    depends_on: { db: ready }
    restart: on-failure:3
    success_codes: [0, 3]
  web:
    command: exec ./serve --port $PORT
    env: { PORT: '\${WEB_PORT:-8080}', TIER: prod }
    labels: { tier: front }
    replicas: 3
    depends_on:
      migrate: completed-successfully
      db: { condition: started }
    readiness: { http: "https://localhost:8080/health?full=1", <<: *fast }
    liveness: { notify: { watchdog: 30s } }
    restart:
      mode: always
      max_attempts: 5
      window: 10m
      backoff: { initial: 500ms, max: 1m, multiplier: 1.5, jitter: 0.2 }
      stable_time: 30
      memory: 512MiB
    max_run_time: 1d
    hooks:
      - { on: [exited, given-up], command: ./alert, timeout: 5s }
    output: { limit: 8MiB, when_full: allow-hold }
    limits: { memory: 1GiB, cpus: 1.5, processes: 64, rlimits: { nofile: "1024:4096", core: unlimited, cpu: 60 } }
    umask: 027
    nice: -5
    oom_score_adj: 100
    tty: true
    stdin: pipe
  nightly:
    command: backup
    stopped: true
    queue: jobs
queues:
  jobs: { parallelism: 2, paused: false }
schedules:
  nightly: { process: nightly, cron: "0 3 * * *", time_zone: Europe/Berlin, overlap: queue, catch_up: once }
`;

describe("a pm.yaml", () => {
  it("describes everything that can be said", () => {
    const project = describePm(full);
    expect(project).toMatchObject({
      name: "shop",
      source: "/home/ada/shop/pm.yaml",
      queues: [{ name: "jobs", parallelism: 2, paused: false }],
      schedules: [
        {
          name: "nightly",
          process: "nightly",
          timing: { kind: "cron", expression: "0 3 * * *" },
          timeZone: "Europe/Berlin",
          overlap: "queue",
          catchUp: "once",
        },
      ],
    });
    const [db, migrate, web, nightly] = project.processes;
    expect(db).toEqual({
      name: "db",
      labels: {},
      stopped: false,
      spec: {
        executable: "postgres",
        args: ["-D", "data"],
        env: { TIER: "dev" },
        cwd: "/home/ada/shop/db",
        stop: { signal: "INT", graceMs: 90_000 },
        restart: { mode: "unlessStopped" },
        readiness: {
          check: {
            kind: "exec",
            command: { executable: "/bin/bash", args: ["-ec", "pg_isready -h localhost"] },
          },
          intervalMs: 2000,
          timeoutMs: 500,
          failureThreshold: 5,
        },
      },
    });
    expect(migrate?.spec).toMatchObject({
      executable: "/bin/bash",
      args: ["-ec", "./migrate up"],
      restart: { mode: "onFailure", maxAttempts: 3 },
      dependsOn: [{ process: "db", condition: "ready" }],
      successCodes: [0, 3],
    });
    expect(web).toEqual({
      name: "web",
      labels: { tier: "front" },
      replicas: 3,
      stopped: false,
      spec: {
        executable: "/bin/bash",
        // The shell's own variables stay the shell's.
        args: ["-ec", "exec ./serve --port $PORT"],
        env: { PORT: "8080", TIER: "prod" },
        cwd: "/home/ada/shop",
        dependsOn: [
          { process: "migrate", condition: "completedSuccessfully" },
          { process: "db", condition: "started" },
        ],
        readiness: {
          check: { kind: "http", host: "localhost", port: 8080, path: "/health?full=1", tls: true },
          intervalMs: 2000,
          timeoutMs: 500,
        },
        liveness: { check: { kind: "notify", watchdogMs: 30_000 } },
        restart: {
          mode: "always",
          maxAttempts: 5,
          windowMs: 600_000,
          backoff: { initialMs: 500, maxMs: 60_000, multiplier: 1.5, jitter: 0.2 },
          stableMs: 30_000,
          memoryBytes: 512 * 1024 ** 2,
        },
        maxRunMs: 86_400_000,
        hooks: [
          {
            events: ["exited", "givenUp"],
            command: { executable: "/bin/bash", args: ["-ec", "./alert"] },
            timeoutMs: 5000,
          },
        ],
        output: { limitBytes: 8 * 1024 ** 2, whenFull: "allowHold" },
        limits: {
          memoryBytes: 1024 ** 3,
          cpuMillis: 1500,
          processes: 64,
          rlimits: [
            { resource: "nofile", soft: 1024n, hard: 4096n },
            { resource: "core" },
            { resource: "cpu", soft: 60n, hard: 60n },
          ],
        },
        umask: 0o027,
        nice: -5,
        oomScoreAdj: 100,
        terminal: { rows: 24, columns: 80 },
        stdin: "pipe",
      },
    });
    expect(nightly).toMatchObject({ stopped: true, spec: { queue: "jobs" } });
  });

  it("takes the name of its directory where it says none", () => {
    expect(describePm("processes: {a: {command: x}}").name).toBe("shop");
    const odd = {
      ...machineWith({ "/srv/1 big shop/pm.yaml": "processes: {a: {command: x}}" }),
      directory: "/srv/1 big shop",
    };
    expect(loadProject({ files: [], profiles: [] }, odd).description.name).toBe("_1_big_shop");
  });

  it("gives a process nothing of the caller's environment unless asked to", () => {
    const caller = { SECRET: "s", PATH: "/bin", SHLVL: "3", PWD: "/" };
    const yaml = (inherit: string) => `processes: {a: {command: x, env: {PATH: /usr/bin}${inherit}}}`;
    const env = (inherit: string) => describePm(yaml(inherit), caller).processes[0]?.spec.env;
    expect(env("")).toEqual({ PATH: "/usr/bin" });
    expect(env(", inherit_env: [SECRET, NONE]")).toEqual({ SECRET: "s", PATH: "/usr/bin" });
    // What changes with every shell would restart every process with every call.
    expect(env(", inherit_env: true")).toEqual({ SECRET: "s", PATH: "/usr/bin" });
  });

  it("reads environment files, the nearer ones over the farther", () => {
    const files = {
      "pm.yaml": `
env_file: [.env, .env.local]
env: { C: file }
processes:
  a: { command: 'echo \${A}', env_file: a.env, env: { D: '\${B}-\${CALLER}' } }`,
      ".env": "A=1\nB=1\nC=1\n",
      ".env.local": "B=2\nD=2\n",
      "a.env": "E=${B}!\n",
    };
    const caller = { CALLER: "ada", A: "from the caller" };
    const [a] = loadProject({ files: [], profiles: [] }, machineWith(files, caller)).description.processes;
    expect(a?.spec.env).toEqual({ A: "1", B: "2", C: "file", D: "2-ada", E: "2!" });
    expect(a?.spec.args).toEqual(["-c", "echo from the caller"]);
  });

  it("is merged with others: mappings by key, the rest replaced, null takes away", () => {
    const files = {
      "pm.yaml":
        "name: shop\nprocesses:\n  web: {command: serve, env: {A: 1, B: 1}, success_codes: [1, 2], nice: 5}\n  old: {command: x}",
      "prod.yaml":
        "processes:\n  web: {env: {B: 2, C: 3}, success_codes: [3], nice: null, replicas: 2}\n  old: null\n  new: {command: y}",
    };
    const { processes } = loadProject(
      { files: ["pm.yaml", "prod.yaml"], profiles: [] },
      machineWith(files),
    ).description;
    expect(processes.map(({ name }) => name)).toEqual(["web", "new"]);
    expect(processes[0]).toMatchObject({
      replicas: 2,
      spec: { env: { A: "1", B: "2", C: "3" }, successCodes: [3] },
    });
    expect(processes[0]?.spec).not.toHaveProperty("nice");
  });

  it("has the processes of the profiles that are asked for", () => {
    const machine = machineWith({
      "pm.yaml":
        "processes:\n  a: {command: x}\n  b: {command: x, profiles: [debug]}\n  c: {command: x, profiles: [debug, full]}",
    });
    const names = (...profiles: string[]) =>
      loadProject({ files: [], profiles }, machine).description.processes.map(({ name }) => name);
    expect(names()).toEqual(["a"]);
    expect(names("full")).toEqual(["a", "c"]);
    expect(names("debug")).toEqual(["a", "b", "c"]);
  });

  it("may be JSON", () => {
    expect(describePm('{"processes": {"a": {"command": ["x"], "env": {"__proto__": "1"}}}}').processes).toMatchObject([
      { name: "a", spec: { executable: "x" } },
    ]);
  });
});
