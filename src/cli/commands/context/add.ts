import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { resolvePath } from "../../caller.ts";
import { defineCommand, flag, text } from "../../command.ts";
import { outputOption } from "../../output/format.ts";
import { changeFormats, printChanged } from "../../output/results.ts";
import { knownPassword } from "../../password.ts";
import { UsageError } from "../../usage-error.ts";

export const command = defineCommand({
  summary: "Add a context: a daemon's address, and how to log in",
  description:
    "With --user, the password is asked for on a terminal, else read from standard input (one line). It is kept in a file\n" +
    "of its own with mode 0600.",
  options: {
    address: text("URL", "unix:///PATH or https://HOST[:PORT]", { complete: "none" }),
    ca: text("FILE", "Certificates of the authorities that may have issued the daemon's certificate", {
      complete: "file",
    }),
    cert: text("FILE", "This client's certificate", { complete: "file" }),
    key: text("FILE", "The key of --cert, with mode 0600", { complete: "file" }),
    user: text("NAME", "The user to log in as", { complete: "none" }),
    use: flag("Make it the current context"),
    output: outputOption(...changeFormats),
  },
  operands: { usage: "NAME", min: 1, max: 1, complete: "none" },
  examples: [
    [
      "pm context add box --address https://box:7443 --ca ca.crt --cert me.crt --key me.key --user me",
      "asks for the password of me; then: pm --context box ls",
    ],
    ["pm context add build --address unix:///run/build/pm.sock", "a daemon of this machine in another place"],
  ],
  exitCodes: [["5", "the context exists already"]],
  async run({ options, operands: [name = ""], caller }) {
    const { address, ca, cert, key, user } = options;
    if (address === undefined) {
      throw new UsageError("--address is missing", "for example: --address https://box:7443");
    }
    const { ProcessManager } = await import("../../../sdk/index.ts");
    // Says what is wrong with the address before anything is written.
    const probe = await ProcessManager.connect(
      address.startsWith("unix://") ? { socket: address.slice("unix://".length) } : { address },
    ).catch((error: unknown) => {
      throw new UsageError(`--address: ${(error as Error).message}`, "for example: --address https://box:7443");
    });
    probe.close();
    await withAdmin(async (admin) => {
      const password = user === undefined ? undefined : await knownPassword(caller, user);
      if (password !== undefined) {
        admin.checkPassword(password);
      }
      const context = {
        address: probe.address,
        ...(ca !== undefined && { ca: resolvePath(caller, ca) }),
        ...(cert !== undefined && { cert: resolvePath(caller, cert) }),
        ...(key !== undefined && { key: resolvePath(caller, key) }),
        ...(user !== undefined && { username: user }),
        ...(password !== undefined && { password }),
      };
      await admin.addContext(name, context, caller.env);
      if (options.use) {
        await admin.setCurrentContext(name, caller.env);
      }
      caller.note(`pm: added the context ${name}${options.use ? ", now the current one" : ""}\n`);
    });
    printChanged(caller, options.output, name, { name, address: probe.address, current: options.use });
    return ExitCode.ok;
  },
});
