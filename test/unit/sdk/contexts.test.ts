import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contextsPath, formatContexts, isContextName, parseContexts } from "../../../src/sdk/context/contexts.ts";
import { resolveEndpoint } from "../../../src/sdk/endpoint.ts";

let directory: string;
let env: NodeJS.ProcessEnv;
const secret = (name: string, text: string, mode = 0o600) => {
  const path = join(directory, "pm", name);
  writeFileSync(path, text, { mode });
  chmodSync(path, mode);
  return path;
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "pm-contexts-"));
  env = { XDG_CONFIG_HOME: directory, PM_RUNTIME_DIR: "/run/x" };
  mkdirSync(join(directory, "pm"));
  secret("ca.crt", "CA", 0o644);
  secret("key.pem", "KEY");
  secret("password", "pass word\n");
  const dev = {
    address: "https://box.example:7443",
    ca: "ca.crt",
    key: join(directory, "pm/key.pem"),
    username: "ann",
    passwordFile: "password",
  };
  const contexts = { dev, here: { address: "unix:///run/other.sock" } };
  secret("contexts.json", formatContexts({ current: "dev", contexts }));
});
afterEach(() => rmSync(directory, { recursive: true }));

const dev = {
  kind: "https",
  url: "https://box.example:7443",
  tls: { ca: "CA", key: "KEY" },
  credentials: { username: "ann", password: "pass word" },
};

describe("the daemon is", () => {
  it("the one that the options name, before all else", () => {
    const all = { ...env, PM_HOST: "unix:///env", PM_CONTEXT: "here" };
    expect(resolveEndpoint({ socket: "/s" }, all)).toEqual({ kind: "unix", path: "/s" });
    expect(resolveEndpoint({ address: "unix:///a" }, all)).toEqual({ kind: "unix", path: "/a" });
    expect(resolveEndpoint({ context: "dev" }, all)).toEqual(dev);
    expect(resolveEndpoint({ context: "default" }, all)).toEqual({ kind: "unix", path: "/run/x/pm.sock" });
  });

  it("else that of PM_HOST, then of PM_CONTEXT, then the current context's, then the local one", () => {
    expect(resolveEndpoint({}, { ...env, PM_HOST: "unix:///env", PM_CONTEXT: "here" })).toMatchObject({ path: "/env" });
    expect(resolveEndpoint({}, { ...env, PM_CONTEXT: "here" })).toMatchObject({ path: "/run/other.sock" });
    expect(resolveEndpoint({}, { ...env, PM_CONTEXT: "default" })).toMatchObject({ path: "/run/x/pm.sock" });
    expect(resolveEndpoint({}, env)).toEqual(dev);
    rmSync(contextsPath(env));
    expect(resolveEndpoint({}, env)).toEqual({ kind: "unix", path: "/run/x/pm.sock" });
  });

  it("with an address alone, reached by the files that the environment names", () => {
    const files = {
      PM_TLS_CA: join(directory, "pm/ca.crt"),
      PM_TLS_KEY: join(directory, "pm/key.pem"),
      PM_USER: "ann",
      PM_PASSWORD_FILE: join(directory, "pm/password"),
    };
    expect(resolveEndpoint({ address: "https://box.example:7443" }, { ...env, ...files })).toEqual(dev);
    expect(() => resolveEndpoint({ address: "https://box.example" }, { ...env, PM_TLS_KEY: "/none" })).toThrow(
      "PM_TLS_KEY: ENOENT",
    );
  });
});

describe("it is refused", () => {
  it("to name the daemon twice", () => {
    expect(() => resolveEndpoint({ socket: "/s", context: "dev" }, env)).toThrow("either");
  });

  it("to use a context that does not exist; the hint names those that do", () => {
    expect(() => resolveEndpoint({ context: "prod" }, env)).toThrow(
      expect.objectContaining({ message: 'there is no context "prod"', hint: "there are: dev, here" }),
    );
    expect(() => resolveEndpoint({ context: "constructor" }, env)).toThrow("there is no context");
  });

  it("to read secrets that others can read", () => {
    chmodSync(join(directory, "pm/password"), 0o644);
    expect(() => resolveEndpoint({}, env)).toThrow(/context "dev": .*password: mode 0644 .*chmod 600/);
    chmodSync(join(directory, "pm/password"), 0o600);
    chmodSync(join(directory, "pm/key.pem"), 0o640);
    expect(() => resolveEndpoint({}, env)).toThrow(/key\.pem: mode 0640/);
    chmodSync(contextsPath(env), 0o666);
    expect(() => resolveEndpoint({}, env)).toThrow(/contexts\.json: mode 0666/);
  });

  it("to put a password into an address, which is not repeated", () => {
    const error = (() => {
      try {
        resolveEndpoint({ address: "https://ann:hunter2@box.example" }, env);
      } catch (e) {
        return e as Error;
      }
      return undefined;
    })();
    expect(error?.message).toContain("must look like");
    expect(error?.message).not.toContain("hunter2");
  });

  it.each([
    ["{", "JSON"],
    ["[]", '"contexts"'],
    ['{"contexts":{"a":1}}', '"a" is malformed'],
    ['{"contexts":{"a b":{"address":"unix:///x"}}}', '"a b" is malformed'],
    ['{"contexts":{"a":{"address":"unix:///x","ca":1}}}', "ca of"],
    ['{"contexts":{"a":{"address":"unix:///x","passwort":"x"}}}', 'unknown field "passwort"'],
    ['{"current":"b","contexts":{}}', "not among"],
    ['{"current":"constructor","contexts":{}}', "not among"],
  ])("to read %j", (text, what) => {
    expect(() => parseContexts(text, "/c.json")).toThrow(/^\/c\.json: /);
    expect(() => parseContexts(text, "/c.json")).toThrow(what);
  });
});

it("names are words, and not the local daemon's", () => {
  expect(["dev", "a.b-c_1"].every(isContextName)).toBe(true);
  expect(["", "default", "-x", "a/b", "..", "a b", "x".repeat(65)].some(isContextName)).toBe(false);
});
