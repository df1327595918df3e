import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigFileError, parseConfig } from "../../../../src/server/config/config-file.ts";
import { defaultConfigPath } from "../../../../src/server/config/config-path.ts";

const parse = (text: string) =>
  Object.fromEntries([...parseConfig(text, "/d.yaml")].map(([key, { text: t }]) => [key, t]));

describe("the configuration file", () => {
  it("holds settings as texts, with where they stand", () => {
    const text = "# pm\nlog:\n  level: debug\ntcp:\n  listen: '[::1]:7443'\nretention: { count: 007, age: 7d }\n";
    expect(parse(text)).toEqual({
      "log.level": "debug",
      "tcp.listen": "[::1]:7443",
      "retention.count": "007",
      "retention.age": "7d",
    });
    expect(parseConfig(text, "/d.yaml").get("tcp.listen")?.where).toBe("/d.yaml:5: tcp.listen");
  });

  it.each(["", "# nothing\n", "---\n", "\n\n"])("may be empty: %j", (text) => {
    expect(parse(text)).toEqual({});
  });

  it.each([
    ["log:\n  level: info\n  colour: red\n", 3, "there is no setting log.colour; log has level"],
    ["lgo:\n  level: info\n", 1, "there is no setting lgo; there are log, output, retention, tcp"],
    ["log: info\n", 1, "log must hold settings"],
    ["log:\n  level:\n    x: y\n", 3, "log.level must have one value"],
    ["log:\n  level:\n", 2, "log.level must have one value"],
    ["log:\n  level: [a]\n", 2, "log.level must have one value"],
    ["log:\n  level: a\n  level: b\n", 3, "unique"],
    ["a\n", 1, "the file must hold settings"],
    ["- a\n", 1, "the file must hold settings"],
    ["log:\n  level: &x info\ntcp:\n  listen: *x\n", 4, "tcp.listen must have one value"],
    ["log:\n\tlevel: info\n", 2, ""],
    ['log:\n  level: "open\n', 3, "closing"],
  ])("names the line of the mistake in %j", (text, line, what) => {
    expect(() => parse(text)).toThrow(ConfigFileError);
    expect(() => parse(text)).toThrow(new RegExp(`^/d\\.yaml:${line}: .*${what}`));
  });

  it("takes any text, and answers with settings or a ConfigFileError", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigFileError);
        }
      }),
      { seed: 3 },
    );
  });

  it("is where the XDG Base Directory Specification says", () => {
    expect(defaultConfigPath({ XDG_CONFIG_HOME: "/x", HOME: "/h" })).toBe("/x/pm/daemon.yaml");
    expect(defaultConfigPath({ XDG_CONFIG_HOME: "x", HOME: "/h" })).toBe("/h/.config/pm/daemon.yaml");
    expect(defaultConfigPath({ HOME: "/h" })).toBe("/h/.config/pm/daemon.yaml");
  });
});
