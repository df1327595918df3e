/** Whether a daemon with this configuration would serve, without being one. */
import { readFileSync } from "node:fs";
import { describeCertificates } from "../../pki/describe.ts";
import { expiresSoonMs } from "../../pki/expiry.ts";
import { loadUsers } from "../auth/users.ts";
import { loadTlsFiles } from "../listen/tls-files.ts";
import type { DaemonConfig } from "./daemon-config.ts";

export interface CheckResult {
  /** What the configuration comes to, a line each. */
  readonly summary: readonly string[];
  /** Good, but worth a thought. */
  readonly warnings: readonly string[];
  /** What would keep the daemon from serving. */
  readonly problems: readonly string[];
}

export async function checkConfig(config: DaemonConfig): Promise<CheckResult> {
  const summary = [
    `configuration file: ${config.file ?? "none"}`,
    `socket: ${config.socketPath}`,
    `log level: ${config.logLevel}`,
    `retention: ${config.retention.count} ended processes, ${config.retention.ageMs / 1000} seconds`,
  ];
  const warnings: string[] = [];
  const problems: string[] = [];
  const { tcp } = config;
  if (tcp === undefined) {
    summary.push("TCP: off");
    return { summary, warnings, problems };
  }
  summary.push(`TCP: ${tcp.host.includes(":") ? `[${tcp.host}]` : tcp.host}:${tcp.port}`);
  try {
    await loadTlsFiles(tcp);
    const [server] = describeCertificates(readFileSync(tcp.certificate, "utf8"));
    if (server !== undefined) {
      summary.push(
        `server certificate: ${server.subject}, for ${server.hosts.join(", ") || "no host"}, until ${server.notAfter.toISOString()}`,
      );
      warnings.push(...warningsOf(tcp.certificate, server.notAfter, server.hosts.length, server.usages));
    }
    for (const { subject, notAfter } of describeCertificates(readFileSync(tcp.clientAuthority, "utf8"))) {
      warnings.push(...expiryWarnings(`${tcp.clientAuthority}: ${subject}`, notAfter));
    }
  } catch (error) {
    problems.push((error as Error).message);
  }
  try {
    const users = await loadUsers(tcp.users);
    summary.push(`users: ${users.size}`);
    if (users.size === 0) {
      warnings.push(`${tcp.users}: no users, so nobody can get in; add one: pm user add`);
    }
  } catch (error) {
    problems.push((error as Error).message);
  }
  return { summary, warnings, problems };
}

function warningsOf(file: string, notAfter: Date, hosts: number, usages: readonly string[]): string[] {
  return [
    ...expiryWarnings(file, notAfter),
    ...(hosts === 0 ? [`${file}: names no host, so no client will accept it`] : []),
    ...(usages.length > 0 && !usages.includes("server") ? [`${file}: is not for servers`] : []),
  ];
}

function expiryWarnings(what: string, notAfter: Date): string[] {
  const left = notAfter.getTime() - Date.now();
  return [
    ...(left < 0 ? [`${what}: expired on ${notAfter.toISOString()}: the other side will refuse it`] : []),
    ...(left >= 0 && left < expiresSoonMs ? [`${what}: expires on ${notAfter.toISOString()}`] : []),
  ];
}
