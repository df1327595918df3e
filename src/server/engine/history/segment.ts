import { crc32 } from "node:zlib";
import { uuidFromBytes, uuidToBytes } from "../shim/uuid.ts";
import { decodeEntry, type JournalEntry } from "./entry.ts";

/**
 * One file of the journal: a header, then records. All integers are
 * little-endian. A record is its length, the CRC-32 of its payload, and the
 * payload. The file is filled with zeros ahead of what is written, so a length
 * of zero is the end.
 *
 * Header: magic 8, version 4, flags 4, identity 16, first sequence 8, CRC-32 of
 * identity and first sequence 4, zeros up to 64.
 */
export const headerSize = 64;
export const recordHeadSize = 8;
export const version = 1;

const magic = Buffer.from("PM JRNL\0", "latin1");
const flagsAt = 12;
const identityAt = 16;
const firstAt = 32;
const crcAt = 40;
/** Set before entries are known that could not be written. */
const lossyFlag = 1;
/** The daemon that wrote it ended in order: nothing is missing at the end. */
const closedFlag = 2;
/** Longer ones are not written: a length beyond it is no length. */
const maxPayload = 64 * 1024;

export interface SegmentHeader {
  /** A UUID; another journal has another one. */
  readonly identity: string;
  /** The sequence number of the first entry. */
  readonly first: number;
  readonly lossy: boolean;
  readonly closed: boolean;
}

export interface SegmentContents {
  readonly header: SegmentHeader;
  readonly entries: readonly JournalEntry[];
  /** Where the next record goes. */
  readonly end: number;
  /** Records that cannot be read lie between those that can. */
  readonly damaged: boolean;
  /** Something unreadable lies at `end`: a record that was being written, or damage. */
  readonly torn: boolean;
}

export class SegmentError extends Error {
  override readonly name = "SegmentError";
  /** Of a later version of pm, which can read it. */
  readonly newer: boolean;

  constructor(message: string, newer = false) {
    super(message);
    this.newer = newer;
  }
}

export function encodeHeader({ identity, first, lossy, closed }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(headerSize);
  magic.copy(bytes);
  bytes.writeUInt32LE(version, 8);
  bytes.writeUInt32LE((lossy ? lossyFlag : 0) | (closed ? closedFlag : 0), flagsAt);
  uuidToBytes(identity).copy(bytes, identityAt);
  bytes.writeBigUInt64LE(BigInt(first), firstAt);
  bytes.writeUInt32LE(crc32(bytes.subarray(identityAt, crcAt)), crcAt);
  return bytes;
}

/** @returns null if it is too long to be read back. */
export function encodeRecord(text: string): Buffer | null {
  const length = Buffer.byteLength(text);
  if (length > maxPayload) return null;
  const bytes = Buffer.allocUnsafe(recordHeadSize + length);
  bytes.write(text, recordHeadSize);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(crc32(bytes.subarray(recordHeadSize)), 4);
  return bytes;
}

/** @throws SegmentError if nothing of it can be believed. */
export function decodeSegment(bytes: Buffer): SegmentContents {
  const header = decodeHeader(bytes);
  const entries: JournalEntry[] = [];
  let at = headerSize;
  let end = at;
  let skipped = false;
  let damaged = false;
  while (at + recordHeadSize <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    if (length === 0 || length > maxPayload || at + recordHeadSize + length > bytes.length) break;
    const payload = bytes.subarray(at + recordHeadSize, at + recordHeadSize + length);
    const expected = bytes.readUInt32LE(at + 4);
    at += recordHeadSize + length;
    const entry = crc32(payload) === expected ? decodeEntry(payload.toString("utf8")) : null;
    if (entry === null || entry.sequence <= (entries.at(-1)?.sequence ?? header.first - 1)) {
      skipped = true;
      continue;
    }
    // A bad record before a good one is no record that was being written.
    damaged ||= skipped;
    entries.push(entry);
    end = at;
  }
  return { header, entries, end, damaged, torn: !isZero(bytes.subarray(end)) };
}

function decodeHeader(bytes: Buffer): SegmentHeader {
  if (bytes.length < headerSize || !bytes.subarray(0, magic.length).equals(magic)) {
    throw new SegmentError("it is no part of a journal");
  }
  const found = bytes.readUInt32LE(8);
  if (found !== version) throw new SegmentError(`it has version ${found}, not ${version}`, found > version);
  if (crc32(bytes.subarray(identityAt, crcAt)) !== bytes.readUInt32LE(crcAt)) {
    throw new SegmentError("its header is damaged");
  }
  const first = bytes.readBigUInt64LE(firstAt);
  if (first < 1n || first > BigInt(Number.MAX_SAFE_INTEGER)) throw new SegmentError("its header is damaged");
  const flags = bytes.readUInt32LE(flagsAt);
  return {
    identity: uuidFromBytes(bytes, identityAt),
    first: Number(first),
    lossy: (flags & lossyFlag) !== 0,
    closed: (flags & closedFlag) !== 0,
  };
}

function isZero(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes[0] === 0 && bytes.compare(bytes, 0, bytes.length - 1, 1, bytes.length) === 0);
}
