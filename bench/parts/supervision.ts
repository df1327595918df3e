/** What supervision costs: of many that idle, of some that crash again and again, and of probes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Process, ProcessManager } from "../../src/sdk/index.ts";
import { type BenchDaemon, openDaemon } from "../measure/daemon.ts";
import { compileLimit } from "../measure/limits.ts";
import { cpuSeconds, reapedCpuSeconds, zygoteOf } from "../measure/machine.ts";
import type { Part } from "../measure/part.ts";

const defaultCount = 10_000;
const atOnce = 32;
/** Until the daemon has collected what the starts left. */
const quietMs = 12_000;
/** The daemon looks at all rings once a minute: that belongs to what idling costs. */
const idleWindowMs = 60_000;
const crashWindowMs = 25_000;
const probeWindowMs = 20_000;
/** A crash comes every few seconds to a minute: each process has a pace of its own between these. */
const fastestMs = 3000;
const slowestMs = 60_000;
const backoffMs = 500;
/** Long enough that the first crashes, which come together, are over. */
const crashLeadMs = 10_000;
const probes = 200;
const probeIntervalMs = 5000;

/** Of a core, in percent. */
interface Use {
  readonly daemon: number;
  readonly zygote: number;
  /** Shims, probes and programs that have ended in the meantime. */
  readonly ended: number;
}

export const supervision: Part = {
  name: "supervision",
  async run({ directory, say, count = defaultCount }) {
    const crasher = compileLimit("crasher", directory);
    const crashing = Math.round(count / 10);
    const { idle, crash, crashes, probed } = await many(crasher, count, crashing, say);
    const every = probeIntervalMs / 1000;
    return {
      title: "Supervision",
      text: `Processor time of the daemon, of one core, over ${idleWindowMs / 1000} s idle, ${crashWindowMs / 1000} s of crashes and ${probeWindowMs / 1000} s of probes. All have the restart policy \`always\`. Each that crashes has a pace of its own between ${fastestMs / 1000} s and a minute, evenly spread. Probes execute \`true\`. What the zygote does itself, and what the shims, probes and programs used that ended in the meantime, stands apart.`,
      measures: [],
      growths: [],
      figures: [
        { name: `daemon, ${count} idle`, value: idle.daemon, unit: "%", atMost: 1 },
        { name: `daemon, ${crashing} of ${count} crashing`, value: crash.daemon, unit: "%", atMost: 25 },
        { name: "restarts", value: crashes, unit: "a second" },
        {
          name: "daemon, processor time of a restart",
          value: (crash.daemon - idle.daemon) / crashes / 0.1,
          unit: "ms",
        },
        { name: "zygote, while they crash", value: crash.zygote, unit: "%" },
        { name: "shims and programs that ended, while they crash", value: crash.ended, unit: "%" },
        { name: `daemon, ${probes} exec probes every ${every} s`, value: probed.daemon, unit: "%", atMost: 15 },
        { name: "zygote, while it forks the probes", value: probed.zygote, unit: "%" },
        { name: "probes that ended", value: probed.ended, unit: "%" },
      ],
      absent: [],
    };
  },
};

async function many(crasher: string, count: number, crashing: number, say: (text: string) => void) {
  await using daemon = await openDaemon({ commandHost: false });
  const signal = join(daemon.directory, "crash");
  const restart = { mode: "always", backoff: { initialMs: backoffMs, maxMs: backoffMs } } as const;
  say(`${count} processes`);
  await startMany(count - crashing, () =>
    daemon.manager.processes.start({ executable: "sleep", args: ["1000000"], restart, output }),
  );
  const victims = await startMany(crashing, (index) => {
    const pace = fastestMs + ((slowestMs - fastestMs) * index) / crashing;
    const args = [signal, String(Math.round(pace - backoffMs))];
    return daemon.manager.processes.start({ executable: crasher, args, restart, output });
  });
  say(`${probes} probes, of a daemon of their own`);
  // In the meantime the first one comes to rest.
  const probed = await probing();
  say("idle");
  const idle = await use(daemon, idleWindowMs);
  say(`${crashing} crash`);
  writeFileSync(signal, "");
  await Promise.all(victims.map((victim) => victim.signal("SIGKILL")));
  await sleep(crashLeadMs);
  const before = await restarts(daemon.manager);
  const begin = performance.now();
  const crash = await use(daemon, crashWindowMs);
  const seconds = (performance.now() - begin) / 1000;
  const crashes = ((await restarts(daemon.manager)) - before) / seconds;
  return { idle, crash, crashes, probed };
}

async function probing(): Promise<Use> {
  await using daemon = await openDaemon({ commandHost: false });
  const command = { executable: "true" };
  const liveness = { check: { kind: "exec", command }, intervalMs: probeIntervalMs } as const;
  await startMany(probes, () =>
    daemon.manager.processes.start({
      executable: "sleep",
      args: ["1000000"],
      restart: { mode: "always" },
      liveness,
      output,
    }),
  );
  await sleep(quietMs);
  // Before the daemon goes.
  return await use(daemon, probeWindowMs);
}

const output = { limitBytes: 4096 };

async function startMany(count: number, start: (index: number) => Promise<Process>): Promise<Process[]> {
  const started: Process[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) started.push(await start(index));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return started;
}

async function restarts(manager: ProcessManager): Promise<number> {
  const processes = await manager.processes.listAll();
  return processes.reduce((sum, { supervision }) => sum + (supervision?.restarts ?? 0), 0);
}

async function use({ pid }: BenchDaemon, windowMs: number): Promise<Use> {
  const zygote = zygoteOf(pid);
  const now = () => [performance.now(), cpuSeconds(pid), cpuSeconds(zygote), reapedCpuSeconds(zygote)] as const;
  const before = now();
  await sleep(windowMs);
  const [ms = 1, ...used] = now().map((value, index) => value - (before[index] ?? 0));
  const [daemon = 0, own = 0, ended = 0] = used.map((seconds) => (seconds * 100_000) / ms);
  return { daemon, zygote: own, ended };
}
