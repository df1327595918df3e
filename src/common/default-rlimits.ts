/** A bound of getrlimit(2); `null` is unlimited. */
interface Bounds {
  readonly soft: bigint | null;
  readonly hard: bigint | null;
}

const mib = 1024n * 1024n;
const unlimited: Bounds = { soft: null, hard: null };
const none: Bounds = { soft: 0n, hard: 0n };

/**
 * What a process gets where its spec says nothing (`Limits.rlimits` in
 * proto/pm/v1/spec.proto), by the name of the resource, whatever the daemon's
 * own limits happen to be. nproc and sigpending have no fixed default: the
 * kernel's go by the machine's memory.
 */
export const defaultRlimits: Readonly<Record<string, Bounds>> = {
  cpu: unlimited,
  fsize: unlimited,
  data: unlimited,
  stack: { soft: 8n * mib, hard: null },
  core: { soft: 0n, hard: null },
  rss: unlimited,
  nofile: { soft: 1024n, hard: 524_288n },
  memlock: { soft: 8n * mib, hard: 8n * mib },
  as: unlimited,
  locks: unlimited,
  msgqueue: { soft: 819_200n, hard: 819_200n },
  nice: none,
  rtprio: none,
  rttime: unlimited,
};
