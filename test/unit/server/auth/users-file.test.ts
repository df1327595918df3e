import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashPassword } from "../../../../src/server/auth/password-hash.ts";
import {
  isUserName,
  parseUsers,
  UsersFileError,
  withoutUser,
  withUser,
} from "../../../../src/server/auth/users-file.ts";

const hash = await hashPassword("p", { ln: 10, r: 8, p: 1 });

describe("the users file", () => {
  it("lists a user a line and keeps comments", () => {
    const text = `# people\n\nann:${hash}\nbob.b@example-1:${hash}\n`;
    expect([...parseUsers(text, "users").keys()]).toEqual(["ann", "bob.b@example-1"]);
    const more = withUser(text, "cy", hash);
    expect(more).toBe(`${text}cy:${hash}\n`);
    expect(withoutUser(more, "cy")).toBe(text);
  });

  it("replaces a line in place", () => {
    expect(withUser("a:1\nb:2\nc:3\n", "b", "9")).toBe("a:1\nb:9\nc:3\n");
    expect(withoutUser("a:1\n", "a")).toBe("");
    expect(withUser("", "a", "1")).toBe("a:1\n");
  });

  it.each([
    [`ann:${hash}\nbob`, 2, "expected name:hash"],
    [`\n# x\n:${hash}`, 3, "name"],
    [`a b:${hash}`, 1, "name"],
    [`local:${hash}`, 1, "name"],
    [`ann:${hash}\nann:${hash}`, 2, "twice"],
    ["ann:$scrypt$oops", 1, "form"],
    ["ann:hunter2", 1, "form"],
    [`ann:${hash}\r\n`, 1, "form"],
  ])("names the line of %j", (text, line, what) => {
    expect(() => parseUsers(text, "/etc/users")).toThrow(UsersFileError);
    expect(() => parseUsers(text, "/etc/users")).toThrow(new RegExp(`^/etc/users:${line}: .*${what}`));
  });

  it("never repeats a hash or a password typed into it", () => {
    expect(() => parseUsers("ann:hunter2", "users")).not.toThrow("hunter2");
  });

  it("takes any text, and answers with users or a UsersFileError", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        try {
          for (const name of parseUsers(text, "users").keys()) {
            expect(isUserName(name)).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(UsersFileError);
        }
      }),
      { seed: 7 },
    );
  });
});
