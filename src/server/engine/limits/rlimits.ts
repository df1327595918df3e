/** RLIMIT_* of asm-generic/resource.h, as on x86-64 and arm64. */
const numbers: ReadonlyMap<string, number> = new Map([
  ["cpu", 0],
  ["fsize", 1],
  ["data", 2],
  ["stack", 3],
  ["core", 4],
  ["rss", 5],
  ["nproc", 6],
  ["nofile", 7],
  ["memlock", 8],
  ["as", 9],
  ["locks", 10],
  ["sigpending", 11],
  ["msgqueue", 12],
  ["nice", 13],
  ["rtprio", 14],
  ["rttime", 15],
]);

/** The number of a resource by its lower-case name without "RLIMIT_". */
export function rlimitNumber(resource: string): number | undefined {
  return numbers.get(resource);
}
