/** `pm.schedules`: when processes are to be started. */
import type { Client } from "../call/client.ts";
import { known, refuseUnknown } from "../call/options.ts";
import { processFromJson } from "../json/process.ts";
import { refToJson, startToJson } from "../json/requests.ts";
import { scheduleFromJson, scheduleToJson } from "../json/schedule.ts";
import type { CallOptions, Schedule, SetScheduleOptions, SetScheduleResult } from "../types.ts";

/** Use `ProcessManager.schedules`. Methods with a name may reject with `SCHEDULE_NOT_FOUND`. */
export class Schedules {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Makes a schedule, or replaces the one of this name. The same again changes nothing.
   *
   * @throws PmError `PROCESS_NOT_FOUND`, `NAME_IN_USE`, `SCHEDULE_EXISTS`, `CONDITION_FAILED`, `LIMIT_EXCEEDED`
   */
  async set(name: string, options: SetScheduleOptions): Promise<SetScheduleResult> {
    refuseUnknown(options, known.setSchedule);
    const { process, template, createOnly, resourceVersion } = options;
    const request = {
      schedule: {
        ...scheduleToJson(name, options),
        ...(process !== undefined && { process: refToJson(process) }),
      },
      ...(template !== undefined && { template: startToJson(template.id ?? "", template) }),
      ...(createOnly && { createOnly }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    };
    const kind = { what: `setting the schedule ${name}` };
    const set = await this.#client.unary("pm.v1.ScheduleService/SetSchedule", request, options, kind);
    return { schedule: scheduleFromJson(set.schedule), process: processFromJson(set.process) };
  }

  async get(name: string, options: CallOptions = {}): Promise<Schedule> {
    refuseUnknown(options, known.call);
    const kind = { what: `reading the schedule ${name}` };
    const { schedule } = await this.#client.unary("pm.v1.ScheduleService/GetSchedule", { name }, options, kind);
    return scheduleFromJson(schedule);
  }

  /** All of them, by name. */
  async list(options: CallOptions = {}): Promise<Schedule[]> {
    refuseUnknown(options, known.call);
    const kind = { what: "listing schedules" };
    const { schedules = [] } = await this.#client.unary("pm.v1.ScheduleService/ListSchedules", {}, options, kind);
    return schedules.map(scheduleFromJson);
  }

  /** Times that pass meanwhile are not caught up. */
  async pause(name: string, options: CallOptions = {}): Promise<Schedule> {
    return this.#pause(name, true, options);
  }

  async resume(name: string, options: CallOptions = {}): Promise<Schedule> {
    return this.#pause(name, false, options);
  }

  /** Starts the process as if the schedule were due now; `lastResult` is what it did. Not repeated once it was sent. */
  async trigger(name: string, options: CallOptions = {}): Promise<Schedule> {
    refuseUnknown(options, known.call);
    const kind = { what: `running the schedule ${name}`, repeatable: "unsent" as const };
    const { schedule } = await this.#client.unary("pm.v1.ScheduleService/TriggerSchedule", { name }, options, kind);
    return scheduleFromJson(schedule);
  }

  /** A run that it began goes on; a process that waits for it alone is stopped. */
  async remove(name: string, options: CallOptions = {}): Promise<void> {
    refuseUnknown(options, known.call);
    const kind = { what: `removing the schedule ${name}`, repeatable: "unsent" as const };
    await this.#client.unary("pm.v1.ScheduleService/RemoveSchedule", { name }, options, kind);
  }

  async #pause(name: string, paused: boolean, options: CallOptions): Promise<Schedule> {
    refuseUnknown(options, known.call);
    const request = { name, ...(paused && { paused }) };
    const kind = { what: `${paused ? "pausing" : "resuming"} the schedule ${name}` };
    const { schedule } = await this.#client.unary("pm.v1.ScheduleService/PauseSchedule", request, options, kind);
    return scheduleFromJson(schedule);
  }
}
