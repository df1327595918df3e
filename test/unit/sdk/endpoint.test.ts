import { expect, test } from "vitest";
import { describeEndpoint, resolveEndpoint } from "../../../src/sdk/endpoint.ts";
import { PmError } from "../../../src/sdk/index.ts";

const uid = process.getuid?.() ?? 0;

test.each([
  [{ PM_HOST: "unix:///a/b.sock", PM_RUNTIME_DIR: "/r" }, "unix:///a/b.sock"],
  [{ PM_HOST: "https://host.example:7443" }, "https://host.example:7443"],
  [{ PM_HOST: "https://[::1]:7443/" }, "https://[::1]:7443"],
  [{ PM_HOST: "", PM_RUNTIME_DIR: "/r", XDG_RUNTIME_DIR: "/x" }, "unix:///r/pm.sock"],
  [{ PM_RUNTIME_DIR: "", XDG_RUNTIME_DIR: "/x" }, uid === 0 ? "unix:///run/pm/pm.sock" : "unix:///x/pm/pm.sock"],
  [{}, uid === 0 ? "unix:///run/pm/pm.sock" : `unix:///dev/shm/pm-${uid}/pm.sock`],
])("from the environment %j", (env, place) => {
  expect(describeEndpoint(resolveEndpoint({}, env))).toBe(place);
});

test("options win over the environment", () => {
  const env = { PM_HOST: "https://elsewhere" };
  expect(resolveEndpoint({ socket: "/s" }, env)).toEqual({ kind: "unix", path: "/s" });
  expect(resolveEndpoint({ address: "unix:///t" }, env)).toEqual({ kind: "unix", path: "/t" });
  const credentials = { username: "u", password: "p" };
  expect(resolveEndpoint({ address: "https://h:1", credentials, tls: { ca: "C" } }, env)).toEqual({
    kind: "https",
    url: "https://h:1",
    credentials,
    tls: { ca: "C" },
  });
});

test.each([
  [{ socket: "relative.sock" }],
  [{ socket: "/s", address: "https://h" }],
  [{ address: "http://h:1" }],
  [{ address: "h:1" }],
  [{ address: "unix://relative" }],
  [{ address: "https://user:secret@h" }],
  [{ address: "https://h/path" }],
  [{ address: "https://h?query" }],
  [{ address: "https://" }],
])("no usable place: %j", (options) => {
  let error: unknown;
  try {
    resolveEndpoint(options, {});
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(PmError);
  expect(error).toMatchObject({ reason: "INVALID_ARGUMENT" });
  expect((error as PmError).message).not.toContain("secret");
});
