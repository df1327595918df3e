/** The 16 bytes of a UUID in its text form, most significant first. */
export function uuidToBytes(uuid: string): Buffer {
  const hex = uuid.replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/i.test(hex)) {
    throw new TypeError(`not a UUID: ${JSON.stringify(uuid)}`);
  }
  return Buffer.from(hex, "hex");
}

/** The lower-case text form of the UUID at `offset`. */
export function uuidFromBytes(bytes: Buffer, offset = 0): string {
  const hex = bytes.toString("hex", offset, offset + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
