/** `pm.daemon`: the daemon itself. */
import type { Client } from "../call/client.ts";
import { known, refuseUnknown } from "../call/options.ts";
import { daemonInfoFromJson } from "../json/responses.ts";
import { durationToJson } from "../json/scalars.ts";
import type { CallOptions, DaemonInfo, ShutdownOptions } from "../types.ts";

/** Use `ProcessManager.daemon`. Every method may reject with the reasons of `ClientErrorReason`. */
export class Daemon {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** What the daemon is, what it can do and what it allows. */
  async info(options: CallOptions = {}): Promise<DaemonInfo> {
    refuseUnknown(options, known.call);
    const kind = { what: "asking the daemon about itself" };
    return daemonInfoFromJson(await this.#client.unary("pm.v1.DaemonService/GetInfo", {}, options, kind));
  }

  /**
   * Ends the daemon after its response. Processes keep running, and the next daemon finds them, unless `stopProcesses`
   * is set. Never starts a daemon, and is not repeated.
   *
   * @returns how many processes keep running
   */
  async shutdown(options: ShutdownOptions = {}): Promise<number> {
    refuseUnknown(options, known.shutdown);
    const { stopProcesses = false, graceMs } = options;
    const request = {
      ...(stopProcesses && { stopProcesses }),
      ...(graceMs !== undefined && { gracePeriod: durationToJson(graceMs, "graceMs") }),
    };
    const { running } = await this.#client.unary("pm.v1.DaemonService/Shutdown", request, options, {
      what: "shutting the daemon down",
      repeatable: "unsent",
      waits: stopProcesses,
      thisDaemonOnly: true,
    });
    return running ?? 0;
  }
}
