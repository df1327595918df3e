import { isAbsolute, join, normalize } from "node:path";

/**
 * Where the daemon keeps sockets and output: `$PM_RUNTIME_DIR`, else
 * `$XDG_RUNTIME_DIR/pm`, else `/run/pm` for root, else `/dev/shm/pm-UID`.
 * Relative paths in the environment are ignored, as the XDG Base Directory
 * Specification asks for.
 */
export function runtimeDirectory(
  env: Readonly<Record<string, string | undefined>> = process.env,
  uid: number = process.getuid?.() ?? 0,
): string {
  const own = env["PM_RUNTIME_DIR"];
  if (own !== undefined && isAbsolute(own)) {
    return withoutTrailingSlash(own);
  }
  const xdg = env["XDG_RUNTIME_DIR"];
  if (xdg !== undefined && isAbsolute(xdg)) {
    return join(xdg, "pm");
  }
  return uid === 0 ? "/run/pm" : `/dev/shm/pm-${uid}`;
}

function withoutTrailingSlash(path: string): string {
  return normalize(path).replace(/(?<=.)\/+$/, "");
}
