/** `pm.projects`: sets of processes that are described together. */
import type { ApplyProjectResponseJson } from "../../../gen/ts/pm/v1/project_service_pb.ts";
import type { Client } from "../call/client.ts";
import { known, refuseUnknown } from "../call/options.ts";
import { newRequestId } from "../call/request-id.ts";
import { applyToJson, projectFrameFromJson, projectFromJson } from "../json/project.ts";
import { viewToJson } from "../json/requests.ts";
import { durationToJson } from "../json/scalars.ts";
import { cancellable } from "../stream/cancellable.ts";
import { resuming } from "../stream/resuming.ts";
import type { TransportOptions } from "../transport/transport.ts";
import type {
  ApplyProjectOptions,
  CallOptions,
  GetOptions,
  Project,
  ProjectFrame,
  ReconnectOptions,
  RemoveProjectOptions,
} from "../types.ts";

/** Use `ProcessManager.projects`. Methods with a name may reject with `PROJECT_NOT_FOUND`. */
export class Projects {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Makes a project, or brings it to another description: `plan`, `progress` for each step, `end`. Applying the same
   * again changes nothing. It is applied when the frames are iterated; once the plan came it is on record, and goes on
   * whatever becomes of this program or the daemon. After a lost connection the frames begin anew with a plan of what is
   * left.
   *
   * @throws PmError `CONDITION_FAILED`, `DEPENDENCY_CYCLE`, `NAME_IN_USE`, `SUPERSEDED`, `LIMIT_EXCEEDED`
   */
  apply(name: string, options: ApplyProjectOptions): AsyncIterable<ProjectFrame> {
    refuseUnknown(options, known.applyProject);
    const request = { ...applyToJson(name, options), requestId: options.requestId ?? newRequestId() };
    return this.#frames(options, `applying the project ${name}`, (callOptions) =>
      this.#client.stream("pm.v1.ProjectService/ApplyProject", request, callOptions),
    );
  }

  /**
   * Stops all processes of a project, those that depend on others first, removes them, and forgets the project. Frames
   * as those of {@link apply}.
   *
   * @throws PmError `CONDITION_FAILED`, `SUPERSEDED`
   */
  remove(name: string, options: RemoveProjectOptions = {}): AsyncIterable<ProjectFrame> {
    refuseUnknown(options, known.removeProject);
    const { graceMs, keepProcesses, resourceVersion, requestId } = options;
    const request = {
      name,
      ...(graceMs !== undefined && { gracePeriod: durationToJson(graceMs, "graceMs") }),
      ...(keepProcesses && { keepProcesses }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      requestId: requestId ?? newRequestId(),
    };
    return this.#frames(options, `removing the project ${name}`, (callOptions) =>
      this.#client.stream("pm.v1.ProjectService/RemoveProject", request, callOptions),
    );
  }

  async get(name: string, options: GetOptions = {}): Promise<Project> {
    refuseUnknown(options, known.get);
    const request = { name, ...viewToJson(options) };
    const kind = { what: `reading the project ${name}` };
    const { project } = await this.#client.unary("pm.v1.ProjectService/GetProject", request, options, kind);
    return projectFromJson(project);
  }

  /** All of them, by name, without `processes`. */
  async list(options: CallOptions = {}): Promise<Project[]> {
    refuseUnknown(options, known.call);
    const kind = { what: "listing projects" };
    const { projects = [] } = await this.#client.unary("pm.v1.ProjectService/ListProjects", {}, options, kind);
    return projects.map(projectFromJson);
  }

  #frames(
    options: CallOptions & ReconnectOptions,
    what: string,
    open: (options: TransportOptions) => AsyncIterable<ApplyProjectResponseJson>,
  ): AsyncIterable<ProjectFrame> {
    const client = this.#client;
    const frames = async function* (signal: AbortSignal): AsyncGenerator<ProjectFrame, void, void> {
      let ended = false;
      const stream = resuming<ApplyProjectResponseJson>({
        attempt: open,
        mayEnd: () => ended,
        attempts: client.attempts({ ...options, signal }, { what, waits: true }),
        signal,
      });
      for await (const json of stream) {
        const frame = projectFrameFromJson(json);
        ended ||= frame?.type === "end";
        if (frame !== undefined) {
          yield frame;
        }
      }
    };
    return { [Symbol.asyncIterator]: () => cancellable(frames, options.signal) };
  }
}
