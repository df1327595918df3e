/** What a release is made for, and what the tools call it. */
export interface Architecture {
  /** As `process.arch` and npm's `cpu` have it. */
  readonly node: "x64" | "arm64";
  readonly zig: string;
  readonly debian: string;
}

export const architectures: readonly Architecture[] = [
  { node: "x64", zig: "x86_64-linux-musl", debian: "amd64" },
  { node: "arm64", zig: "aarch64-linux-musl", debian: "arm64" },
];
