import { describe, expect, it } from "vitest";
import { loadProject } from "../../src/project/load.ts";
import { describePm, machineWith, problemsOf } from "./machine.ts";

const process = (fields: string) => `processes:\n  web:\n    command: serve\n    ${fields}`;

describe("a project file is refused with line and column for", () => {
  it.each([
    ["a tab", "processes:\n\tweb: {}", ["2:1: indentation must be spaces; this is a tab"]],
    ["a duplicate key", "processes:\n  a: {command: x}\n  a: {command: y}", ["3:3: this key is there already"]],
    ["an unknown key", process("comand: x"), ['4:5: a process has no field "comand"; did you mean "command"?']],
    [
      "an unknown key unlike any other",
      "processes: {a: {command: x}}\nvolumes: {}",
      [
        '2:1: a project file has no field "volumes"; it has name, env, env_file, inherit_env, shell, processes, schedules, queues',
      ],
    ],
    ["an unknown alias", "processes:\n  a: *nothing", ["2:6: "]],
    ["no processes", "name: shop", ['1:1: a project file needs "processes"']],
    ["a list", "- a\n- b", ["1:1: expected a mapping (a project file), not a list"]],
    ["an empty file", "", ["1:1: expected a mapping (a project file), not nothing"]],
    ["no command", "processes:\n  web: {cwd: /}", ['2:8: a process needs "command"']],
    ["an empty command", "processes: {web: {command: ''}}", ["1:28: the command is empty"]],
    ["a name", "processes:\n  web app: {command: x}", ['2:3: "web app" is no name: expected a name (']],
    ["a duration", process("max_run_time: 5 weeks"), ["4:19: expected a duration such as 10 (seconds), 500ms, "]],
    ["a duration out of range", process("max_run_time: 1ms"), ["4:19: expected a duration"]],
    ["a size", process("output: {limit: 1 potato}"), ["4:21: expected a size such as "]],
    [
      "a word",
      process("restart: {mode: alway}"),
      ['4:21: expected one of no, on-failure, unless-stopped, always, not "alway"; did you mean "always"?'],
    ],
    ["a restart mode", process("restart: sometimes"), ["4:14: expected one of no, on-failure, on-failure:N, "]],
    ["a boolean", process("tty: yes"), ['4:10: expected true or false, not "yes"']],
    ["a mapping where a list belongs", process("success_codes: {a: 1}"), ["4:20: expected a list, not a mapping"]],
    ["a number", process("nice: 20"), ['4:11: expected a whole number from -20 to 19, not "20"']],
    ["a umask", process("umask: 089"), ["4:12: expected an octal number"]],
    [
      "two checks",
      process("readiness: {tcp: 80, exec: x}"),
      ["4:16: a probe needs exactly one of exec, http, tcp, output and notify, and has 2"],
    ],
    ["no check", process("readiness: {interval: 1s}"), ["4:16: a probe needs exactly one of "]],
    ["liveness by output", process("liveness: {output: x}"), ["4:24: a liveness probe cannot look for output"]],
    ["a URL", process("readiness: {http: ftp://x}"), ["4:23: expected a URL"]],
    ["a label", process("labels: {tier: 'a b'}"), ['4:14: "a b" cannot be the value of a label']],
    [
      "a variable that is not set",
      process("cwd: ${NOWHERE}/x"),
      ["4:10: the variable NOWHERE is not set; for an empty default write ${NOWHERE:-}"],
    ],
    ["a variable's form", process("cwd: ${A%/*}"), ['4:10: "${A%/*}" is not understood']],
    ["an open variable", process("cwd: ${A"), ['4:10: "${" without its "}"']],
    [
      "an unknown dependency",
      "processes:\n  web: {command: x, depends_on: [dp]}\n  db: {command: x}",
      ['2:34: there is no process "dp" in the project; did you mean "db"?'],
    ],
    [
      "a cycle of three",
      "processes:\n  a: {command: x, depends_on: [b]}\n  b: {command: x, depends_on: [c]}\n  c: {command: x, depends_on: [a]}",
      ["2:31: these depend on one another in a circle: a → b → c → a"],
    ],
    [
      "a dependency outside its profile",
      "processes:\n  web: {command: x, depends_on: [db]}\n  db: {command: x, profiles: [full]}",
      ['2:34: "db" is part of the project only with one of its profiles'],
    ],
    [
      "a schedule of replicas",
      "processes: {a: {command: x, replicas: 2}}\nschedules:\n  s: {process: a, every: 1h}",
      ['3:16: "a" has replicas; a schedule starts one process'],
    ],
    [
      "a schedule without a time",
      "processes: {a: {command: x}}\nschedules:\n  s: {process: a}",
      ["3:6: a schedule needs exactly one of cron, every and boot"],
    ],
    [
      "an environment file that is not there",
      process("env_file: none.env"),
      ["4:15: cannot read /home/ada/shop/none.env: no such file or directory (ENOENT)"],
    ],
    ["a merge of no mapping", process("env: {<<: 5}"), ["4:11: << must be a mapping"]],
  ])("%s", (_, yaml, expected) => {
    const found = problemsOf(() => describePm(yaml));
    expect(found).toHaveLength(expected.length);
    expect(found.map((message, index) => message.slice(0, expected[index]?.length))).toEqual(expected);
  });

  it("everything at once", () => {
    const yaml = "nam: x\nprocesses:\n  web: {command: x, nice: 99, tty: maybe}\n  db: {comand: y}";
    expect(problemsOf(() => describePm(yaml)).map((message) => message.split(":")[0])).toEqual(
      ["3", "3", "4", "4", "1"].sort(),
    );
  });

  it("nothing of a file that is not there, which has no line", () => {
    expect(problemsOf(() => loadProject({ files: ["none.yaml"], profiles: [] }, machineWith({})))).toEqual([
      "0:0: cannot read /home/ada/shop/none.yaml: no such file or directory (ENOENT)",
    ]);
  });

  it("a line of an environment file", () => {
    const machine = machineWith({
      "pm.yaml": "env_file: .env\nprocesses: {a: {command: x}}",
      ".env": "A=1\nthis is none\n",
    });
    expect(problemsOf(() => loadProject({ files: [], profiles: [] }, machine))).toEqual([
      "2:1: a line must be NAME=VALUE",
    ]);
  });

  it("a profile that nobody has", () => {
    const machine = machineWith({ "pm.yaml": "processes:\n  a: {command: x, profiles: [debug]}\n  b: {command: x}" });
    expect(problemsOf(() => loadProject({ files: [], profiles: ["debgu"] }, machine))).toEqual([
      '2:3: no process has the profile "debgu"; did you mean "debug"?',
    ]);
  });
});

describe("a project file that is made to do harm is refused", () => {
  it("with aliases of aliases", () => {
    const levels = Array.from({ length: 30 }, (_, i) =>
      i === 0
        ? "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]"
        : `x-${i}: &a${i} [${`*a${i - 1}, `.repeat(10).slice(0, -2)}]`,
    );
    const found = problemsOf(() => describePm(`${levels.join("\n")}\nprocesses: {a: {command: x}}`));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/comes to more than 200000 values when its aliases are followed/);
  });

  it("with merges of merges", () => {
    const levels = Array.from({ length: 30 }, (_, i) =>
      i === 0 ? "x-0: &a0 {k: v}" : `x-${i}: &a${i} {k${i}: *a${i - 1}, l${i}: *a${i - 1}}`,
    );
    expect(problemsOf(() => describePm(`${levels.join("\n")}\nprocesses: {a: {command: x}}`))[0]).toMatch(
      /more than 200000 values/,
    );
  });

  it("with 10 MB of aliases", () => {
    const yaml = `x-a: &a {b: c}\nx-list: [${"*a,".repeat(3_500_000)}]\nprocesses: {a: {command: x}}`;
    expect(problemsOf(() => describePm(yaml))).toEqual(["1:1: a project file must not be larger than 4 MiB"]);
  });

  it("with an alias of itself", () => {
    expect(problemsOf(() => describePm("x-a: &a [*a]\nprocesses: {a: {command: x}}"))[0]).toMatch(
      /nested deeper|no anchor/,
    );
  });

  it("with a depth of 10,000", () => {
    const yaml = `x-a: ${"[".repeat(10_000)}${"]".repeat(10_000)}\nprocesses: {a: {command: x}}`;
    expect(problemsOf(() => describePm(yaml))[0]).toMatch(/nested deeper|Maximum/);
  });

  it("without its name being a program", () => {
    const machine = machineWith({ "ecosystem.config.js": "process.exit(1)" });
    expect(problemsOf(() => loadProject({ files: ["ecosystem.config.js"], profiles: [] }, machine))[0]).toMatch(
      /^1:1: this is a program, and pm does not run it; .*ecosystem\.json$/,
    );
  });
});
