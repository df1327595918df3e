/** Every command of pm, in the order in which help shows them. A command's file is loaded only when it is used. */
import type { Command } from "../command.ts";

export interface CommandEntry {
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** Commands that share a first word. */
export interface CommandGroup {
  readonly summary: string;
  readonly commands: Readonly<Record<string, CommandEntry>>;
}

export const registry: Readonly<Record<string, CommandEntry | CommandGroup>> = {
  start: { load: () => import("./start.ts") },
  run: { load: () => import("./run.ts") },
  stop: { load: () => import("./stop.ts") },
  kill: { load: () => import("./kill.ts") },
  restart: { load: () => import("./restart.ts") },
  update: { load: () => import("./update.ts") },
  status: { load: () => import("./status.ts") },
  inspect: { load: () => import("./inspect.ts") },
  ls: { load: () => import("./ls.ts") },
  logs: { load: () => import("./logs.ts") },
  stats: { load: () => import("./stats.ts") },
  events: { load: () => import("./events.ts") },
  wait: { load: () => import("./wait.ts") },
  attach: { load: () => import("./attach.ts") },
  send: { load: () => import("./send.ts") },
  rm: { load: () => import("./rm.ts") },
  up: { load: () => import("./up.ts") },
  down: { load: () => import("./down.ts") },
  diff: { load: () => import("./diff.ts") },
  reload: { load: () => import("./reload.ts") },
  scale: { load: () => import("./scale.ts") },
  import: { load: () => import("./import.ts") },
  project: {
    summary: "Look at the projects that the daemon keeps",
    commands: {
      ls: { load: () => import("./project/ls.ts") },
      show: { load: () => import("./project/show.ts") },
    },
  },
  schedule: {
    summary: "Start processes at certain times",
    commands: {
      add: { load: () => import("./schedule/add.ts") },
      ls: { load: () => import("./schedule/ls.ts") },
      run: { load: () => import("./schedule/run.ts") },
      pause: { load: () => import("./schedule/pause.ts") },
      resume: { load: () => import("./schedule/resume.ts") },
      rm: { load: () => import("./schedule/rm.ts") },
    },
  },
  queue: {
    summary: "Limit how many processes run at a time",
    commands: {
      add: { load: () => import("./queue/add.ts") },
      set: { load: () => import("./queue/set.ts") },
      ls: { load: () => import("./queue/ls.ts") },
      move: { load: () => import("./queue/move.ts") },
      pause: { load: () => import("./queue/pause.ts") },
      resume: { load: () => import("./queue/resume.ts") },
      rm: { load: () => import("./queue/rm.ts") },
    },
  },
  prune: { load: () => import("./prune.ts") },
  ui: { load: () => import("./ui.ts") },
  daemon: {
    summary: "Manage the daemon",
    commands: {
      start: { load: () => import("./daemon/start.ts") },
      stop: { load: () => import("./daemon/stop.ts") },
      restart: { load: () => import("./daemon/restart.ts") },
      status: { load: () => import("./daemon/status.ts") },
      run: { load: () => import("./daemon/run.ts") },
      logs: { load: () => import("./daemon/logs.ts") },
      check: { load: () => import("./daemon/check.ts") },
    },
  },
  "install-service": { load: () => import("./install-service.ts") },
  init: { load: () => import("./init.ts") },
  context: {
    summary: "Manage connection contexts",
    commands: {
      add: { load: () => import("./context/add.ts") },
      use: { load: () => import("./context/use.ts") },
      show: { load: () => import("./context/show.ts") },
      ls: { load: () => import("./context/ls.ts") },
      rm: { load: () => import("./context/rm.ts") },
    },
  },
  user: {
    summary: "Manage users allowed to connect remotely",
    commands: {
      add: { load: () => import("./user/add.ts") },
      passwd: { load: () => import("./user/passwd.ts") },
      rm: { load: () => import("./user/rm.ts") },
      ls: { load: () => import("./user/ls.ts") },
    },
  },
  cert: { load: () => import("./cert.ts") },
  completion: { load: () => import("./completion.ts") },
  version: { load: () => import("./version.ts") },
  help: { load: () => import("./help.ts") },
  // For completion scripts, not for people.
  __complete: { load: () => import("./complete.ts") },
};

/** A command by the words that name it; undefined for a group or an unknown word. */
export function findEntry(words: readonly string[]): { entry: CommandEntry; words: readonly string[] } | undefined {
  const [first = "", second = ""] = words;
  const found = Object.hasOwn(registry, first) ? registry[first] : undefined;
  if (found === undefined || "load" in found) {
    return found === undefined ? undefined : { entry: found, words: [first] };
  }
  const entry = Object.hasOwn(found.commands, second) ? found.commands[second] : undefined;
  return entry === undefined ? undefined : { entry, words: [first, second] };
}

/** The group that a word names. */
export function findGroup(word: string): CommandGroup | undefined {
  const found = Object.hasOwn(registry, word) ? registry[word] : undefined;
  return found !== undefined && "commands" in found ? found : undefined;
}
