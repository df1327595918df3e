import { create } from "@bufbuild/protobuf";
import { type ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { DependencyCondition, HookEvent, RestartMode } from "../../gen/ts/pm/v1/policy_pb.ts";
import { ProcessState, ProcessView } from "../../gen/ts/pm/v1/process_pb.ts";
import { ProcessService, WaitCondition } from "../../gen/ts/pm/v1/process_service_pb.ts";
import { ProjectAction, ProjectService } from "../../gen/ts/pm/v1/project_service_pb.ts";
import { QueueService } from "../../gen/ts/pm/v1/queue_service_pb.ts";
import { CatchUpPolicy, OverlapPolicy, ScheduleService } from "../../gen/ts/pm/v1/schedule_service_pb.ts";
import { type ProcessSpec, ProcessSpecSchema } from "../../gen/ts/pm/v1/spec_pb.ts";
import { Readiness, WaitingReason } from "../../gen/ts/pm/v1/supervision_pb.ts";
import { policyFromProto, policyToProto } from "../../src/server/rpc/convert/policy.ts";
import { checked, type InvalidRequest } from "../../src/server/rpc/edge/field.ts";
import { contractInterceptors } from "../../src/server/rpc/interceptors/index.ts";
import { daemonRoutes } from "../../src/server/rpc/routes.ts";
import { recordingLog } from "../listen/serve.ts";
import { settle, useMachine } from "../supervision/daemon.ts";
import { dependenciesOn } from "./fake-engine.ts";

const seconds = (value: number) => ({ seconds: BigInt(value) });
const everything = {
  executable: "serve",
  restart: {
    mode: RestartMode.ON_FAILURE,
    maxAttempts: 5,
    window: seconds(600),
    backoff: { initial: seconds(1), max: seconds(60), multiplier: 1.5, jitter: 0.2 },
    stableTime: seconds(30),
    memoryBytes: 512n << 20n,
  },
  readiness: {
    check: {
      case: "http" as const,
      value: { host: "localhost", port: 8080, path: "/up", tls: true, headers: { a: "b" }, statusCodes: [204] },
    },
    startPeriod: seconds(5),
    interval: seconds(2),
    timeout: seconds(1),
    successThreshold: 2,
    failureThreshold: 4,
  },
  liveness: { check: { case: "notify" as const, value: { watchdog: seconds(30) } } },
  dependsOn: [{ process: "db", condition: DependencyCondition.READY }],
  queue: "jobs",
  maxRunTime: seconds(3600),
  stopCommand: { executable: "stop", args: ["-f"] },
  hooks: [{ events: [HookEvent.EXITED], command: { executable: "log" }, timeout: seconds(5) }],
  successCodes: [0, 3],
};

describe("a policy in a spec", () => {
  const read = (spec: ProcessSpec) => checked((root) => policyFromProto(spec, root.child("spec")));

  it("goes through the engine's terms and comes back as it was", () => {
    const spec = create(ProcessSpecSchema, everything);
    const policy = read(spec);
    expect(policy).toBeDefined();
    expect(create(ProcessSpecSchema, { executable: "serve", ...(policy && policyToProto(policy)) })).toEqual(spec);
  });

  it("is none if nothing is said of it, so that specs without one stay what they were", () => {
    expect(read(create(ProcessSpecSchema, { executable: "x" }))).toBeUndefined();
    expect(read(create(ProcessSpecSchema, { executable: "x", restart: {} }))).toBeDefined();
  });

  it("has everything that is wrong with it named at once", () => {
    const spec = create(ProcessSpecSchema, {
      restart: {
        maxAttempts: 1001,
        backoff: { initial: seconds(9), max: seconds(1), multiplier: 0.5, jitter: Number.NaN },
      },
      readiness: { check: { case: "output", value: { pattern: "a(" } }, failureThreshold: 0 },
      liveness: { check: { case: "output", value: { pattern: "x" } } },
      dependsOn: [{ process: "no name" }],
      queue: "1st",
      maxRunTime: { seconds: 0n, nanos: 1 },
      stopCommand: {},
      hooks: [{ command: { executable: "x" } }],
      successCodes: [256],
    });
    try {
      read(spec);
      expect.unreachable();
    } catch (error) {
      expect((error as InvalidRequest).violations.map(({ field }) => field)).toEqual([
        "spec.restart.backoff.max",
        "spec.restart.max_attempts",
        "spec.restart.backoff.multiplier",
        "spec.restart.backoff.jitter",
        "spec.readiness.output.pattern",
        "spec.readiness.failure_threshold",
        "spec.liveness.output",
        "spec.depends_on[0].process",
        "spec.queue",
        "spec.max_run_time",
        "spec.stop_command.executable",
        "spec.hooks[0].events",
        "spec.success_codes[0]",
      ]);
    }
  });

  it.each([
    [{ check: { case: undefined } }, "spec.readiness"],
    [{ check: { case: "tcp", value: { port: 0 } } }, "spec.readiness.tcp.port"],
    [{ check: { case: "http", value: { port: 1, path: "up" } } }, "spec.readiness.http.path"],
    [{ check: { case: "http", value: { port: 1, headers: { "a b": "" } } } }, 'spec.readiness.http.headers["a b"]'],
    [{ check: { case: "http", value: { port: 1, host: "a/b" } } }, "spec.readiness.http.host"],
    [{ check: { case: "exec", value: {} } }, "spec.readiness.exec.command.executable"],
    [{ check: { case: "notify", value: { watchdog: seconds(1) } } }, "spec.readiness.notify.watchdog"],
  ] as const)("a wrong probe is refused by its field, case %#", (readiness, field) => {
    const spec = create(ProcessSpecSchema, { readiness: readiness as object });
    expect(() => read(spec)).toThrow(expect.objectContaining({ violations: [expect.objectContaining({ field })] }));
  });
});

const otherProbe = {
  startPeriodMs: null,
  intervalMs: null,
  timeoutMs: null,
  successThreshold: null,
  failureThreshold: null,
};

describe("over the contract", () => {
  const on = useMachine();

  function clients() {
    const { log } = recordingLog();
    const { daemon } = on.machine;
    const routes = daemonRoutes(dependenciesOn(daemon.engine, log, daemon));
    const transport = createRouterTransport(routes, { router: { interceptors: contractInterceptors(log) } });
    return {
      processes: createClient(ProcessService, transport),
      schedules: createClient(ScheduleService, transport),
      queues: createClient(QueueService, transport),
      projects: createClient(ProjectService, transport),
    };
  }

  function reasonOf(error: unknown): string {
    return (error as ConnectError).findDetails(ErrorInfoSchema)[0]?.reason ?? "";
  }

  it("a process says for whom it waits, and has no run until then", async () => {
    const { processes } = clients();
    const { process } = await processes.startProcess({
      name: "web",
      spec: { executable: "serve", dependsOn: [{ process: "db", condition: DependencyCondition.STARTED }] },
    });
    expect(process).toMatchObject({
      state: ProcessState.WAITING,
      supervision: {
        waitingReason: WaitingReason.DEPENDENCY,
        waitingFor: ["db"],
        waitingDetail: "db: there is no such process",
      },
    });
    expect(process?.run).toBeUndefined();
    const cyclic = { executable: "x", dependsOn: [{ process: "web" }] };
    const refused = await processes.startProcess({ name: "db", spec: cyclic }).catch((error: unknown) => error);
    expect(reasonOf(refused)).toBe("DEPENDENCY_CYCLE");
  });

  it("a process is waited for until it is ready", async () => {
    const { processes } = clients();
    const { engine } = on.machine;
    engine.command = () => new Promise(() => undefined);
    const probe = { check: { case: "notify" as const, value: {} } };
    const { process } = await processes.startProcess({ name: "web", spec: { executable: "serve", readiness: probe } });
    const id = process?.id ?? "";
    const ref = { ref: { case: "id" as const, value: id } };
    const ready = processes.waitProcess({ process: ref, condition: WaitCondition.READY });
    await settle();
    engine.hook?.notified({ id, run: 1, ready: true, stopping: false, watchdog: null, status: null });
    expect(await ready).toMatchObject({ process: { supervision: { readiness: Readiness.READY } }, run: { number: 1 } });
    expect((await processes.waitProcess({ process: ref, condition: WaitCondition.HEALTHY })).run?.number).toBe(1);
    const both = await processes
      .waitProcess({ process: ref, condition: WaitCondition.READY, run: 1 })
      .catch((error: unknown) => error);
    expect(reasonOf(both)).toBe("INVALID_ARGUMENT");

    engine.exit("web", 0);
    const never = await processes
      .waitProcess({ process: ref, condition: WaitCondition.READY })
      .catch((error: unknown) => error);
    expect(reasonOf(never)).toBe("NOT_RUNNING");
    await on.machine.run("api", { readiness: { ...otherProbe, check: { kind: "notify", watchdogMs: null } } });
    const removed = processes.waitProcess({
      process: { ref: { case: "name", value: "api" } },
      condition: WaitCondition.READY,
    });
    const outcome = removed.catch((error: unknown) => error);
    await settle();
    engine.remove(engine.named("api").id);
    expect(reasonOf(await outcome)).toBe("PROCESS_NOT_FOUND");
  });

  it("a schedule is set with its process, shown, triggered and removed", async () => {
    const { schedules } = clients();
    const request = {
      schedule: {
        name: "nightly",
        timing: { case: "cron" as const, value: "0 3 * * *" },
        timeZone: "Europe/Berlin",
        overlap: OverlapPolicy.QUEUE,
        catchUp: CatchUpPolicy.ONCE,
      },
      template: { name: "backup", spec: { executable: "backup" } },
    };
    const { schedule, process } = await schedules.setSchedule(request);
    expect(schedule).toMatchObject({
      name: "nightly",
      process: { ref: { case: "id", value: process?.id } },
      timing: { case: "cron", value: "0 3 * * *" },
      overlap: OverlapPolicy.QUEUE,
      nextTime: { seconds: BigInt(Date.UTC(2026, 10, 27, 2) / 1000) },
      resourceVersion: "1",
    });
    expect(process).toMatchObject({ state: ProcessState.WAITING, supervision: { schedule: "nightly" } });
    expect((await schedules.setSchedule(request)).schedule).toEqual(schedule);
    const other = { ...request, createOnly: true, schedule: { ...request.schedule, overlap: OverlapPolicy.SKIP } };
    expect(reasonOf(await schedules.setSchedule(other).catch((error: unknown) => error))).toBe("SCHEDULE_EXISTS");
    await schedules.triggerSchedule({ name: "nightly" });
    await settle();
    expect(on.machine.engine.named("backup").state).toBe("running");
    expect((await schedules.pauseSchedule({ name: "nightly", paused: true })).schedule?.nextTime).toBeUndefined();
    await schedules.removeSchedule({ name: "nightly" });
    expect((await schedules.listSchedules({})).schedules).toEqual([]);
    expect(reasonOf(await schedules.getSchedule({ name: "nightly" }).catch((error: unknown) => error))).toBe(
      "SCHEDULE_NOT_FOUND",
    );
  });

  it.each([
    [{}, "schedule", "is required"],
    [{ schedule: { name: "a b" } }, "schedule.name", "must be"],
    [{ schedule: { name: "a", timing: { case: "cron", value: "0 0 31 2 *" } } }, "schedule.cron", "never due"],
    [{ schedule: { name: "a", timing: { case: "every", value: seconds(0) } } }, "schedule.every", "must be from 1"],
    [
      { schedule: { name: "a", timing: { case: "boot", value: true }, timeZone: "UTC" } },
      "schedule.time_zone",
      "is for",
    ],
  ])("a wrong schedule is refused by its field, case %#", async (request, field, problem) => {
    const template = { name: "t", spec: { executable: "x" } };
    const refused = await clients()
      .schedules.setSchedule({ template, ...request } as never)
      .catch((error: unknown) => error as ConnectError);
    expect(refused).toMatchObject({ message: expect.stringContaining(problem) });
    expect((refused as ConnectError).message).toContain(field);
  });

  it("a queue is set, reordered and emptied", async () => {
    const { queues, processes } = clients();
    await queues.setQueue({ name: "jobs", parallelism: 1 });
    const ids: string[] = [];
    for (const name of ["a", "b", "c"]) {
      const { process } = await processes.startProcess({ name, spec: { executable: "job", queue: "jobs" } });
      ids.push(process?.id ?? "");
    }
    const [a = "", b = "", c = ""] = ids;
    expect((await queues.getQueue({ name: "jobs" })).queue).toMatchObject({
      running: [a],
      waiting: [b, c],
      waitingCount: 2,
    });
    const { queue } = await queues.moveInQueue({ name: "jobs", processId: c, position: 1 });
    expect(queue?.waiting).toEqual([c, b]);
    expect(reasonOf(await queues.removeQueue({ name: "jobs" }).catch((error: unknown) => error))).toBe(
      "QUEUE_NOT_EMPTY",
    );
    expect((await queues.listQueues({})).queues.map(({ name }) => name)).toEqual(["jobs"]);
  });

  it("a project is applied as a stream, read without secrets, and removed", async () => {
    const { projects } = clients();
    const request = {
      name: "shop",
      source: "/srv/shop/pm.yaml",
      processes: [
        {
          name: "web",
          spec: { executable: "serve", env: { TOKEN: "hush" }, dependsOn: [{ process: "db" }] },
          replicas: 2,
        },
        { name: "db", spec: { executable: "postgres" }, labels: { tier: "back" } },
        { name: "nightly", spec: { executable: "backup" }, stopped: true },
      ],
      queues: [{ name: "jobs", parallelism: 3 }],
      schedules: [
        {
          name: "nightly",
          process: { ref: { case: "name" as const, value: "nightly" } },
          timing: { case: "every" as const, value: seconds(60) },
        },
      ],
    };
    const frames = await Array.fromAsync(projects.applyProject(request));
    const kinds = frames.map(({ frame }) => frame.case);
    expect(kinds).toEqual(["plan", "progress", "progress", "progress", "progress", "end"]);
    const [plan] = frames;
    expect(plan?.frame).toMatchObject({
      value: {
        steps: [
          { name: "db", action: ProjectAction.CREATE },
          { name: "nightly", action: ProjectAction.NONE },
          { name: "web.1", action: ProjectAction.CREATE },
          { name: "web.2", action: ProjectAction.CREATE },
        ],
      },
    });
    const { project } = await projects.getProject({ name: "shop" });
    expect(project).toMatchObject({
      source: "/srv/shop/pm.yaml",
      applying: false,
      members: [{ name: "db" }, { name: "nightly" }, { name: "web.1", processName: "web" }, { name: "web.2" }],
      schedules: [{ name: "nightly" }],
      resourceVersion: "1",
    });
    expect(JSON.stringify(project, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toContain(
      "hush",
    );
    const full = await projects.getProject({ name: "shop", view: ProcessView.FULL });
    expect(full.project?.processes[0]?.spec?.env).toEqual({ TOKEN: "hush" });

    const again = await Array.fromAsync(projects.applyProject({ ...request, dryRun: true }));
    expect(
      again[0]?.frame.case === "plan" &&
        again[0].frame.value.steps.every(({ action }) => action === ProjectAction.NONE),
    ).toBe(true);
    const removal = await Array.fromAsync(projects.removeProject({ name: "shop" }));
    expect(removal.at(-1)?.frame).toMatchObject({ case: "end", value: { failed: 0 } });
    expect(on.machine.engine.processes.size).toBe(0);
    expect((await projects.listProjects({})).projects).toEqual([]);
  });

  it("a project that is refused as a whole changes no queue", async () => {
    const { projects, queues } = clients();
    await queues.setQueue({ name: "jobs", parallelism: 2 });
    const one = { name: "a", spec: { executable: "serve" } };
    const circular = { name: "a", spec: { executable: "serve", dependsOn: [{ process: "a" }] } };
    for (const [processes, resourceVersion, reason] of [
      [[one], "7", "CONDITION_FAILED"],
      [[circular], "", "DEPENDENCY_CYCLE"],
      [[one, one], "", "INVALID_ARGUMENT"],
    ] as const) {
      const refused = await Array.fromAsync(
        projects.applyProject({
          name: "shop",
          processes: [...processes],
          queues: [{ name: "jobs", parallelism: 9, paused: true }],
          resourceVersion,
        }),
      ).catch((error: unknown) => error);
      expect(reasonOf(refused)).toBe(reason);
    }
    expect((await queues.listQueues({})).queues).toMatchObject([{ name: "jobs", parallelism: 2, paused: false }]);
    expect((await projects.listProjects({})).projects).toEqual([]);
  });

  it("a project with mistakes is refused with all of them", async () => {
    const refused = await Array.fromAsync(
      clients().projects.applyProject({
        name: "1",
        processes: [{ name: "a", labels: { "pm/project": "x" }, replicas: 1001 }],
        queues: [{ name: "q", parallelism: 0 }],
      }),
    ).catch((error: unknown) => error as ConnectError);
    for (const field of [
      "name",
      'processes[0].labels["pm/project"]',
      "processes[0].spec",
      "processes[0].replicas",
      "queues[0].parallelism",
    ]) {
      expect((refused as ConnectError).message).toContain(`${field}: `);
    }
  });
});
