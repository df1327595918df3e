/**
 * Decodes frames of output without the protobuf runtime. Field numbers are
 * those of proto/pm/v1/{process_service,output,run}.proto; a test compares with
 * the runtime. Undefined: a kind of frame that this version does not know.
 */
import { required } from "../../json/scalars.ts";
import { outputEndReasonsByNumber, outputStreamsByNumber } from "../../json/words.ts";
import type {
  ExitStatus,
  OutputChunk,
  OutputCursor,
  OutputEnd,
  OutputFrame,
  OutputGap,
  OutputInfo,
} from "../../types.ts";
import type { WireOutputsFrame } from "../transport.ts";
import { ProtobufReader } from "./reader.ts";

/** A pm.v1.StreamOutputResponse. */
export function decodeOutputFrame(bytes: Buffer): OutputFrame | undefined {
  const reader = new ProtobufReader(bytes);
  let frame: OutputFrame | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        frame = opened(reader.message());
        break;
      case 2:
        frame = { type: "chunk", ...chunk(reader.message()) };
        break;
      case 3:
        frame = { type: "gap", ...gap(reader.message()) };
        break;
      case 4:
        frame = { type: "heartbeat", nextOffset: integerField(reader.message(), 1) };
        break;
      case 5:
        frame = { type: "end", ...end(reader.message()) };
        break;
      default:
        reader.skip();
    }
  }
  return frame;
}

/** A pm.v1.StreamOutputsResponse. */
export function decodeOutputsFrame(bytes: Buffer): WireOutputsFrame | undefined {
  const reader = new ProtobufReader(bytes);
  let frame: WireOutputsFrame | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        frame = { type: "opened", selected: integerField(reader.message(), 1) };
        break;
      case 2:
        frame = memberOpened(reader.message());
        break;
      case 3: {
        const { number, value } = ofMember(reader.message(), chunk);
        frame = { type: "chunk", number, ...value };
        break;
      }
      case 4: {
        const { number, value } = ofMember(reader.message(), gap);
        frame = { type: "gap", number, ...value };
        break;
      }
      case 5: {
        const { number, value } = ofMember(reader.message(), end);
        frame = { type: "memberEnd", number, ...value };
        break;
      }
      case 6:
        frame = { type: "heartbeat", cursors: cursors(reader.message()) };
        break;
      default:
        reader.skip();
    }
  }
  return frame;
}

/** OutputMemberChunk, OutputMemberGap, OutputMemberEnd: the member's number and what is about it. */
function ofMember<Value>(
  reader: ProtobufReader,
  decode: (reader: ProtobufReader) => Value,
): { number: number; value: Value } {
  let number = 0;
  let value: Value | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        number = reader.integer();
        break;
      case 2:
        value = decode(reader.message());
        break;
      default:
        reader.skip();
    }
  }
  return { number, value: required(value, "the frame of a member") };
}

function opened(reader: ProtobufReader): OutputFrame {
  let processId = "";
  let run = 0;
  let startOffset = 0;
  let output = info(undefined);
  let holdToken = "";
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        processId = reader.string();
        break;
      case 2:
        run = reader.integer();
        break;
      case 3:
        startOffset = reader.integer();
        break;
      case 4:
        output = info(reader.message());
        break;
      case 5:
        holdToken = reader.string();
        break;
      default:
        reader.skip();
    }
  }
  return { type: "opened", processId, run, startOffset, output, ...(holdToken !== "" && { holdToken }) };
}

function memberOpened(reader: ProtobufReader): WireOutputsFrame {
  let [number, run, startOffset] = [0, 0, 0];
  let [processId, processName] = ["", ""];
  let output = info(undefined);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        number = reader.integer();
        break;
      case 2:
        processId = reader.string();
        break;
      case 3:
        processName = reader.string();
        break;
      case 4:
        run = reader.integer();
        break;
      case 5:
        startOffset = reader.integer();
        break;
      case 6:
        output = info(reader.message());
        break;
      default:
        reader.skip();
    }
  }
  return { type: "memberOpened", number, processId, processName, run, startOffset, output };
}

function chunk(reader: ProtobufReader): OutputChunk {
  let stream = 0;
  let offset = 0;
  let milliseconds: number | undefined;
  let data: Uint8Array = Buffer.alloc(0);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        stream = reader.integer();
        break;
      case 2:
        offset = reader.integer();
        break;
      case 3: {
        const { seconds, nanos } = secondsAndNanos(reader.message());
        milliseconds = seconds * 1000 + Math.round(nanos / 1e6);
        break;
      }
      case 4:
        data = ownIfSmall(reader.bytes());
        break;
      default:
        reader.skip();
    }
  }
  return {
    stream: required(outputStreamsByNumber[stream], "chunk.stream"),
    offset,
    time: new Date(required(milliseconds, "chunk.time")),
    data,
  };
}

/** A few bytes must not keep the whole piece alive that came from the socket. Larger ones are not copied. */
function ownIfSmall(bytes: Buffer): Buffer {
  return bytes.length < 4096 ? Buffer.from(bytes) : bytes;
}

function gap(reader: ProtobufReader): OutputGap {
  let [from, to] = [0, 0];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        from = reader.integer();
        break;
      case 2:
        to = reader.integer();
        break;
      default:
        reader.skip();
    }
  }
  return { from, to };
}

function end(reader: ProtobufReader): OutputEnd {
  let [finalOffset, reason] = [0, 0];
  let exit: ExitStatus | undefined;
  let nextRun: number | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        finalOffset = reader.integer();
        break;
      case 2:
        reason = reader.integer();
        break;
      case 3:
        exit = exitStatus(reader.message());
        break;
      case 4:
        nextRun = reader.integer();
        break;
      default:
        reader.skip();
    }
  }
  return {
    finalOffset,
    reason: required(outputEndReasonsByNumber[reason], "end.reason"),
    ...(exit !== undefined && { exit }),
    ...(nextRun !== undefined && { nextRun }),
  };
}

function exitStatus(reader: ProtobufReader): ExitStatus {
  let result: { code?: number; signal?: number } = {};
  let signalName = "";
  let coreDumped = false;
  let oomKilled: boolean | undefined;
  let usage = { userMs: 0, systemMs: 0, maxResidentBytes: 0 };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        result = { code: reader.integer() };
        break;
      case 2:
        result = { signal: reader.integer() };
        break;
      case 3:
        signalName = reader.string();
        break;
      case 4:
        coreDumped = reader.bool();
        break;
      case 5:
        oomKilled = reader.bool();
        break;
      case 6:
        usage = resourceUsage(reader.message());
        break;
      default:
        reader.skip();
    }
  }
  return {
    ...result,
    ...(signalName !== "" && { signalName }),
    coreDumped,
    ...(oomKilled !== undefined && { oomKilled }),
    usage,
  };
}

function resourceUsage(reader: ProtobufReader): ExitStatus["usage"] {
  let [userMs, systemMs, maxResidentBytes] = [0, 0, 0];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        userMs = duration(reader.message());
        break;
      case 2:
        systemMs = duration(reader.message());
        break;
      case 3:
        maxResidentBytes = reader.integer();
        break;
      default:
        reader.skip();
    }
  }
  return { userMs, systemMs, maxResidentBytes };
}

/** Milliseconds, exact to the microsecond. */
function duration(reader: ProtobufReader): number {
  const { seconds, nanos } = secondsAndNanos(reader);
  return Math.round(seconds * 1e6 + nanos / 1e3) / 1e3;
}

/** A Timestamp after 1970 or a Duration of 0 or more: google.protobuf has the same fields for both. */
function secondsAndNanos(reader: ProtobufReader): { seconds: number; nanos: number } {
  let [seconds, nanos] = [0, 0];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        seconds = reader.integer();
        break;
      case 2:
        nanos = reader.integer();
        break;
      default:
        reader.skip();
    }
  }
  return { seconds, nanos };
}

function info(reader: ProtobufReader | undefined): OutputInfo {
  let [firstOffset, nextOffset, stdoutBytes, stderrBytes, limitBytes] = [0, 0, 0, 0, 0];
  let [complete, held] = [false, false];
  for (let field = reader?.next() ?? 0; reader !== undefined && field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        firstOffset = reader.integer();
        break;
      case 2:
        nextOffset = reader.integer();
        break;
      case 3:
        complete = reader.bool();
        break;
      case 4:
        stdoutBytes = reader.integer();
        break;
      case 5:
        stderrBytes = reader.integer();
        break;
      case 6:
        limitBytes = reader.integer();
        break;
      case 7:
        held = reader.bool();
        break;
      default:
        reader.skip();
    }
  }
  return { firstOffset, nextOffset, complete, stdoutBytes, stderrBytes, limitBytes, held };
}

function cursors(reader: ProtobufReader): OutputCursor[] {
  const all: OutputCursor[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) {
      all.push(cursor(reader.message()));
    } else {
      reader.skip();
    }
  }
  return all;
}

function cursor(reader: ProtobufReader): OutputCursor {
  let processId = "";
  let [run, nextOffset] = [0, 0];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        processId = reader.string();
        break;
      case 2:
        run = reader.integer();
        break;
      case 3:
        nextOffset = reader.integer();
        break;
      default:
        reader.skip();
    }
  }
  return { processId, run, nextOffset };
}

/** The integer in this field of a message; 0 if it is not there. */
function integerField(reader: ProtobufReader, wanted: number): number {
  let value = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === wanted) {
      value = reader.integer();
    } else {
      reader.skip();
    }
  }
  return value;
}
