/** Output of one process and of many. */
import type { ServiceImpl } from "@connectrpc/connect";
import { OutputEndReason, type OutputStart } from "../../../gen/ts/pm/v1/output_pb.ts";
import type { ProcessService } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type { FakeProcess } from "../fake-process.ts";
import type { FakeWorld } from "../fake-world.ts";
import { intervalMs } from "./interval.ts";

/** As much as a daemon answers at once by default. */
const defaultReadBytes = 1024 * 1024;

export function outputCalls(world: FakeWorld) {
  return {
    getOutput({ process: ref, run, start, maxBytes, streams }) {
      const process = world.find(ref);
      const number = run ?? process.run;
      const from = startOffset(process, number, start);
      const { chunks } = process.output(from, number);
      const limit = from + (maxBytes || defaultReadBytes);
      let next = from;
      const read = [];
      for (const chunk of chunks) {
        const size = Math.min(chunk.data.length, limit - next);
        if (size <= 0) {
          break;
        }
        next += size;
        if (streams.length === 0 || streams.includes(chunk.stream)) {
          read.push({ ...chunk, data: chunk.data.subarray(0, size) });
        }
      }
      const output = infoOf(process, number);
      return { processId: process.id, run: number, chunks: read, nextOffset: BigInt(next), ...(output && { output }) };
    },

    async *streamOutput({ process: ref, run, start, streams, follow, heartbeatInterval }, { signal }) {
      const process = world.find(ref);
      const number = run ?? process.run;
      let next = startOffset(process, number, start);
      const output = infoOf(process, number);
      const opened = { processId: process.id, run: number, startOffset: BigInt(next), ...(output && { output }) };
      yield { frame: { case: "opened" as const, value: opened } };
      for (;;) {
        const { chunks, next: end, exit } = process.output(next, number);
        for (const chunk of chunks) {
          if (streams.length === 0 || streams.includes(chunk.stream)) {
            yield { frame: { case: "chunk" as const, value: chunk } };
          }
        }
        next = end;
        if (exit !== undefined || !follow) {
          const reason = exit === undefined ? OutputEndReason.SNAPSHOT : OutputEndReason.COMPLETE;
          const value = { finalOffset: BigInt(next), reason, ...(exit && { exit }) };
          yield { frame: { case: "end" as const, value } };
          return;
        }
        if (!(await world.changed(signal, intervalMs(heartbeatInterval)))) {
          yield { frame: { case: "heartbeat" as const, value: { nextOffset: BigInt(next) } } };
        }
      }
    },

    async *streamOutputs({ filter, start, cursors, streams, follow, untilIdle, heartbeatInterval }, { signal }) {
      yield { frame: { case: "opened" as const, value: { selected: world.select(filter).length } } };
      /** Runs that are in the stream, by process and run; undefined once they have ended. */
      const members = new Map<string, { readonly member: number; next: number } | undefined>();
      for (;;) {
        for (const process of world.select(filter)) {
          const key = `${process.id} ${process.run}`;
          if (process.run === 0 || (members.has(key) && members.get(key) === undefined)) {
            continue;
          }
          let member = members.get(key);
          if (member === undefined) {
            const cursor = cursors.find(({ processId, run }) => processId === process.id && run === process.run);
            // What begins later is read from its beginning.
            const next = cursor ? Number(cursor.nextOffset) : startOffset(process, process.run, start);
            member = { member: members.size + 1, next };
            members.set(key, member);
            const output = infoOf(process, process.run);
            const value = {
              member: member.member,
              processId: process.id,
              processName: process.name,
              run: process.run,
              startOffset: BigInt(next),
              ...(output && { output }),
            };
            yield { frame: { case: "memberOpened" as const, value } };
          }
          const { chunks, next, exit } = process.output(member.next);
          for (const chunk of chunks) {
            if (streams.length === 0 || streams.includes(chunk.stream)) {
              yield { frame: { case: "chunk" as const, value: { member: member.member, chunk } } };
            }
          }
          member.next = next;
          if (exit !== undefined || !follow) {
            members.set(key, undefined);
            const reason = exit === undefined ? OutputEndReason.SNAPSHOT : OutputEndReason.COMPLETE;
            const end = { finalOffset: BigInt(next), reason, ...(exit && { exit }) };
            yield { frame: { case: "memberEnd" as const, value: { member: member.member, end } } };
          }
        }
        if (!follow || (untilIdle && !world.select(filter).some(({ living }) => living))) {
          return;
        }
        if (!(await world.changed(signal, intervalMs(heartbeatInterval)))) {
          yield { frame: { case: "heartbeat" as const, value: { cursors: [] } } };
        }
      }
    },
  } satisfies Partial<ServiceImpl<typeof ProcessService>>;
}

function infoOf(process: FakeProcess, run: number) {
  return process.runs().find(({ number }) => number === run)?.output;
}

function startOffset(process: FakeProcess, run: number, start: OutputStart | undefined): number {
  const { chunks, next } = process.output(0, run);
  const { position } = start ?? { position: { case: undefined } };
  switch (position.case) {
    case "offset":
      return Number(position.value);
    case "tailBytes":
      return Math.max(0, next - Number(position.value));
    case "tailLines": {
      const all = Buffer.concat(chunks.map(({ data }) => data));
      let offset = all.length;
      for (let lines = Number(position.value); lines > 0 && offset > 0; lines--) {
        offset = all.lastIndexOf(10, offset - 2) + 1;
        if (offset === 0) {
          break;
        }
      }
      return offset;
    }
    default:
      return 0;
  }
}
