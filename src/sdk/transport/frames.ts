/** Frames of output, from protobuf messages to the SDK's vocabulary. */
import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { OutputEndReason, OutputStream } from "../../../gen/ts/pm/v1/output_pb.ts";
import { ExitStatusSchema, OutputInfoSchema } from "../../../gen/ts/pm/v1/process_pb.ts";
import type { StreamOutputResponse } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import { PmError } from "../errors.ts";
import { exitFromJson, outputInfoFromJson, required } from "../json/process.ts";
import type { OutputFrame, OutputStreamName } from "../types.ts";

const streams: Readonly<Record<OutputStream, OutputStreamName | undefined>> = {
  [OutputStream.UNSPECIFIED]: undefined,
  [OutputStream.STDOUT]: "stdout",
  [OutputStream.STDERR]: "stderr",
  [OutputStream.TTY]: "tty",
};

const endReasons: Readonly<Record<OutputEndReason, "complete" | "snapshot" | "lost" | "removed" | undefined>> = {
  [OutputEndReason.UNSPECIFIED]: undefined,
  [OutputEndReason.COMPLETE]: "complete",
  [OutputEndReason.SNAPSHOT]: "snapshot",
  [OutputEndReason.LOST]: "lost",
  [OutputEndReason.REMOVED]: "removed",
};

export function frameFromMessage({ frame }: StreamOutputResponse): OutputFrame {
  switch (frame.case) {
    case "chunk": {
      const { stream, offset, time, data } = frame.value;
      return {
        type: "chunk",
        stream: required(streams[stream], "chunk.stream"),
        offset: Number(offset),
        time: timestampDate(required(time, "chunk.time")),
        data,
      };
    }
    case "gap":
      return { type: "gap", from: Number(frame.value.fromOffset), to: Number(frame.value.toOffset) };
    case "heartbeat":
      return { type: "heartbeat", nextOffset: Number(frame.value.nextOffset) };
    case "opened": {
      const { processId, run, startOffset, output } = frame.value;
      return {
        type: "opened",
        processId,
        run,
        startOffset: Number(startOffset),
        output: outputInfoFromJson(output && toJson(OutputInfoSchema, output)),
      };
    }
    case "end": {
      const { finalOffset, reason, exit, nextRun } = frame.value;
      return {
        type: "end",
        finalOffset: Number(finalOffset),
        reason: required(endReasons[reason], "end.reason"),
        ...(exit !== undefined && { exit: exitFromJson(toJson(ExitStatusSchema, exit)) }),
        ...(nextRun !== 0 && { nextRun }),
      };
    }
    default:
      throw new PmError("PROTOCOL", "the daemon sent a frame that this version of the SDK does not know", {
        code: "internal",
      });
  }
}
