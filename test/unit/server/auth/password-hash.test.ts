import { scryptSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  decoyHash,
  defaultCost,
  hashPassword,
  parseHash,
  type ScryptCost,
  verifyPassword,
} from "../../../../src/server/auth/password-hash.ts";

const cheap: ScryptCost = { ln: 10, r: 8, p: 1 };

describe("password hashes", () => {
  it("verify the password that they were made of and no other", async () => {
    const hash = parseHash(await hashPassword("correct horse", cheap));
    expect(await verifyPassword("correct horse", hash)).toBe(true);
    expect(await verifyPassword("correct horse ", hash)).toBe(false);
    expect(await verifyPassword("", hash)).toBe(false);
  });

  it("are scrypt in the PHC format, as others compute it", async () => {
    const text = await hashPassword("p", cheap);
    const [, name, cost, salt, hash] = text.split("$");
    expect([name, cost]).toEqual(["scrypt", "ln=10,r=8,p=1"]);
    const expected = scryptSync("p", Buffer.from(salt ?? "", "base64"), 32, { N: 1024, r: 8, p: 1 });
    expect(Buffer.from(hash ?? "", "base64")).toEqual(expected);
  });

  it("differ for the same password, since the salt does", async () => {
    expect(await hashPassword("p", cheap)).not.toBe(await hashPassword("p", cheap));
  });

  it("take the password in normal form C, so that it does not matter how it was typed", async () => {
    const hash = parseHash(await hashPassword("caf\u00e9", cheap));
    expect(await verifyPassword("cafe\u0301", hash)).toBe(true);
  });

  it("run at the default cost within node's memory limit", async () => {
    expect(await verifyPassword("p", parseHash(await hashPassword("p")))).toBe(true);
    expect(await verifyPassword("p", decoyHash(defaultCost))).toBe(false);
  });

  const salt = "c2FsdHNhbHRzYWx0c2FsdA";
  const hash = "aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
  it.each([
    ["", "form"],
    ["plain", "form"],
    [`$argon2id$ln=15,r=8,p=1$${salt}$${hash}`, "form"],
    [`$scrypt$ln=15,r=8$${salt}$${hash}`, "form"],
    [`$scrypt$ln=15,r=8,p=1$${salt}$${hash} `, "form"],
    [`$scrypt$ln=9,r=8,p=1$${salt}$${hash}`, "cost"],
    [`$scrypt$ln=30,r=8,p=1$${salt}$${hash}`, "cost"],
    [`$scrypt$ln=15,r=0,p=1$${salt}$${hash}`, "cost"],
    [`$scrypt$ln=15,r=8,p=17$${salt}$${hash}`, "cost"],
    [`$scrypt$ln=15,r=8,p=1$c2E$${hash}`, "salt"],
    [`$scrypt$ln=15,r=8,p=1$${salt}$aGFzaA`, "hash"],
    [`$scrypt$ln=15,r=8,p=1$${salt}x$${hash}`, "base64"],
  ])("refuse %j", (text, what) => {
    expect(() => parseHash(text)).toThrow(what);
  });
});
