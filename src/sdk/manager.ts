/** The SDK's entrance. */
import { Client } from "./call/client.ts";
import { known, refuseUnknown } from "./call/options.ts";
import { type ConnectOptions, type Destination, describeEndpoint, resolveDestination } from "./endpoint.ts";
import { Daemon } from "./namespaces/daemon.ts";
import { Events } from "./namespaces/events.ts";
import { Processes } from "./namespaces/processes.ts";
import { Projects } from "./namespaces/projects.ts";
import { Queues } from "./namespaces/queues.ts";
import { Schedules } from "./namespaces/schedules.ts";

/**
 * A daemon and what it can do, by the contract's services.
 *
 * @example
 * ```ts
 * await using pm = await ProcessManager.connect();
 * const process = await pm.processes.start({ executable: "sh", args: ["-c", "echo hello"] });
 * for await (const bytes of process.stream({ follow: true }).bytes()) stdout.write(bytes);
 * ```
 */
export class ProcessManager {
  /** Starting, finding, changing and reading processes. */
  readonly processes: Processes;
  /** What happened to processes, why, and who asked for it. */
  readonly events: Events;
  /** The daemon itself. */
  readonly daemon: Daemon;
  /** When processes are to be started. */
  readonly schedules: Schedules;
  /** How many processes run at a time. */
  readonly queues: Queues;
  /** Sets of processes that are described together. */
  readonly projects: Projects;
  readonly #destination: Destination;
  readonly #client: Client;

  private constructor(destination: Destination, options: ConnectOptions) {
    this.#destination = destination;
    this.#client = new Client(destination, options);
    this.processes = new Processes(this.#client);
    this.events = new Events(this.#client);
    this.daemon = new Daemon(this.#client);
    this.schedules = new Schedules(this.#client);
    this.queues = new Queues(this.#client);
    this.projects = new Projects(this.#client);
  }

  /**
   * Finds out where the daemon is. Connects lazily: a daemon that is not there shows with the first call, as
   * `UNREACHABLE`.
   *
   * @throws PmError `INVALID_ARGUMENT` if there is no such option, or options or environment name no usable place
   */
  static async connect(options: ConnectOptions = {}): Promise<ProcessManager> {
    refuseUnknown(options, known.connect);
    return new ProcessManager(resolveDestination(options), options);
  }

  /** Where the daemon is, as `unix:///path` or `https://host:port`; "the given transport" for `ConnectOptions.transport`. */
  get address(): string {
    return describeEndpoint(this.#destination);
  }

  /** Cancels the calls that are under way and frees connections. Calls after it reject with `ABORTED`. */
  close(): void {
    this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
