/** Bytes to be written to standard input. */
export interface WrittenInput {
  readonly bytes: number;
  readonly close: boolean;
  readonly inputOffset: number;
}

/** Bytes that tell where they stand. */
export function inputBytes({ bytes, inputOffset }: WrittenInput): Buffer {
  return Buffer.from(Uint32Array.from({ length: bytes / 4 }, (_, index) => inputOffset / 4 + index).buffer);
}
