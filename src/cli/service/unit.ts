/** The systemd unit of the daemon. */
import { join } from "node:path";
import { configDirectory, type Environment } from "../../common/paths.ts";
import { CommandError } from "../errors.ts";

export interface UnitOptions {
  readonly system: boolean;
  /** Absolute path of pm's entry. */
  readonly program: string;
  /** Absolute path of Node.js. */
  readonly node: string;
}

/**
 * Without any directive that processes would inherit (limits, umask, sandboxing): what a process gets must not depend on
 * who started the daemon.
 *
 * - `KillMode=process`: a stop ends the daemon alone, and processes run on; the next daemon finds them
 * - `Delegate=yes`: the cgroups below the unit's are the daemon's, for limits of processes
 * - `DelegateSubgroup=`, and before systemd 254 `ExecStopPost=`: a cgroup that hands controllers on takes no process, so
 *   systemd could not start the daemon again while processes with cgroups of their own live. The older way takes the
 *   controllers away until the next daemon sets the limits again; memory that a process has by then is not counted any more
 * - `OOMPolicy=continue`: a process that runs out of memory does not take the daemon with it
 * - `RuntimeDirectoryPreserve=yes`: what the daemon needs to find its processes outlives a restart of it
 * - `NotifyAccess=all`: a helper speaks for the daemon; processes do not get `NOTIFY_SOCKET`
 *
 * @throws CommandError if a path cannot stand in a unit
 */
export function serviceUnit({ system, program, node }: UnitOptions): string {
  const lines = [
    "[Unit]",
    "Description=pm, a process manager",
    "Documentation=man:systemd.service(5)",
    ...(system ? ["After=network-online.target", "Wants=network-online.target"] : []),
    "",
    "[Service]",
    "Type=notify",
    "NotifyAccess=all",
    `ExecStart=${word(node)} ${word(program)} daemon run`,
    "ExecReload=/bin/kill -HUP $MAINPID",
    `ExecStopPost=-/bin/sh -c '${freeCgroup}'`,
    "Restart=on-failure",
    "Delegate=yes",
    "DelegateSubgroup=pm-daemon",
    "KillMode=process",
    "OOMPolicy=continue",
    "RuntimeDirectory=pm",
    "RuntimeDirectoryMode=0700",
    "RuntimeDirectoryPreserve=yes",
    ...(system ? ["StateDirectory=pm", "StateDirectoryMode=0700"] : []),
    "",
    "[Install]",
    `WantedBy=${system ? "multi-user.target" : "default.target"}`,
    "",
  ];
  return lines.join("\n");
}

/** As in packaging/deb, a test compares them. A dollar is two in a unit, a percent sign too. */
const freeCgroup =
  'case $$(systemctl --version) in "systemd 2"[0-4]*|"systemd 25"[0-3]*) read -r own </proc/self/cgroup; ' +
  'own=$${own#*::}; echo "-memory -cpu -pids" >"/sys/fs/cgroup$${own%%/.control}/cgroup.subtree_control";; esac';

/** Where systemd looks for it: systemd.unit(5). */
export function unitPath(system: boolean, env: Environment): string {
  return system ? "/etc/systemd/system/pm.service" : join(configDirectory(env), "../systemd/user/pm.service");
}

/** One word of a command line in a unit: quoted, and free of what systemd expands. */
function word(path: string): string {
  if (!path.startsWith("/") || /[\n\0]/.test(path)) {
    throw new CommandError(`the path ${JSON.stringify(path)} cannot stand in a unit`);
  }
  const escaped = path.replaceAll("%", "%%").replaceAll("$", "$$$$").replace(/["\\]/g, "\\$&");
  return /^[\w./+@:-]+$/.test(path) ? escaped : `"${escaped}"`;
}
