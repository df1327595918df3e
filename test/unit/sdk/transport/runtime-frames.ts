/**
 * What the SDK's own decoder is compared with: frames of output by the protobuf
 * runtime. Undefined: a kind that this version does not know.
 */
import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type {
  OutputChunk as ChunkMessage,
  OutputEnd as EndMessage,
  OutputGap as GapMessage,
} from "../../../../gen/ts/pm/v1/output_pb.ts";
import type { StreamOutputResponse, StreamOutputsResponse } from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import { ExitStatusSchema, type OutputInfo as InfoMessage, OutputInfoSchema } from "../../../../gen/ts/pm/v1/run_pb.ts";
import { exitFromJson, outputInfoFromJson } from "../../../../src/sdk/json/run.ts";
import { required } from "../../../../src/sdk/json/scalars.ts";
import { outputEndReasonsByNumber, outputStreamsByNumber } from "../../../../src/sdk/json/words.ts";
import type { WireOutputsFrame } from "../../../../src/sdk/transport/transport.ts";
import type { OutputChunk, OutputEnd, OutputFrame, OutputGap, OutputInfo } from "../../../../src/sdk/types.ts";

export function frameFromMessage({ frame }: StreamOutputResponse): OutputFrame | undefined {
  switch (frame.case) {
    case "chunk":
      return { type: "chunk", ...chunk(frame.value) };
    case "gap":
      return { type: "gap", ...gap(frame.value) };
    case "heartbeat":
      return { type: "heartbeat", nextOffset: Number(frame.value.nextOffset) };
    case "opened": {
      const { processId, run, startOffset, output, holdToken } = frame.value;
      return {
        type: "opened",
        processId,
        run,
        startOffset: Number(startOffset),
        output: info(output),
        ...(holdToken !== "" && { holdToken }),
      };
    }
    case "end":
      return { type: "end", ...end(frame.value) };
    default:
      return undefined;
  }
}

export function outputsFrameFromMessage({ frame }: StreamOutputsResponse): WireOutputsFrame | undefined {
  switch (frame.case) {
    case "opened":
      return { type: "opened", selected: frame.value.selected };
    case "memberOpened": {
      const { member: number, processId, processName, run, startOffset, output } = frame.value;
      return {
        type: "memberOpened",
        number,
        processId,
        processName,
        run,
        startOffset: Number(startOffset),
        output: info(output),
      };
    }
    case "chunk":
      return { type: "chunk", number: frame.value.member, ...chunk(required(frame.value.chunk, "chunk.chunk")) };
    case "gap":
      return { type: "gap", number: frame.value.member, ...gap(required(frame.value.gap, "gap.gap")) };
    case "memberEnd":
      return { type: "memberEnd", number: frame.value.member, ...end(required(frame.value.end, "member_end.end")) };
    case "heartbeat":
      return {
        type: "heartbeat",
        cursors: frame.value.cursors.map(({ processId, run, nextOffset }) => ({
          processId,
          run,
          nextOffset: Number(nextOffset),
        })),
      };
    default:
      return undefined;
  }
}

function chunk({ stream, offset, time, data }: ChunkMessage): OutputChunk {
  return {
    stream: required(outputStreamsByNumber[stream], "chunk.stream"),
    offset: Number(offset),
    time: timestampDate(required(time, "chunk.time")),
    data,
  };
}

function gap({ fromOffset, toOffset }: GapMessage): OutputGap {
  return { from: Number(fromOffset), to: Number(toOffset) };
}

function end({ finalOffset, reason, exit, nextRun }: EndMessage): OutputEnd {
  return {
    finalOffset: Number(finalOffset),
    reason: required(outputEndReasonsByNumber[reason], "end.reason"),
    ...(exit !== undefined && { exit: exitFromJson(toJson(ExitStatusSchema, exit)) }),
    ...(nextRun !== undefined && { nextRun }),
  };
}

function info(output: InfoMessage | undefined): OutputInfo {
  return outputInfoFromJson(output && toJson(OutputInfoSchema, output));
}
