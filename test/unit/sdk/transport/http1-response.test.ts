import { describe, expect, test } from "vitest";
import { HttpParseError, HttpResponseParser } from "../../../../src/sdk/transport/http1-response.ts";

const limits = { head: 1024, body: 4096 };

/** Parses the text given in pieces of `size` bytes. */
function parse(text: string | Buffer, size = Number.POSITIVE_INFINITY) {
  const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
  const parser = new HttpResponseParser(limits);
  let response: ReturnType<HttpResponseParser["push"]>;
  for (let at = 0; at < bytes.length; at += size) {
    response = parser.push(bytes.subarray(at, at + size));
  }
  return response;
}

const sized = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello";
const chunked =
  "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nX: \t y z \r\n\r\n" +
  "3;name=value\r\nhel\r\nA\r\nlo\r\n, 2026\r\n0\r\nTrailer: ignored\r\n\r\n";

describe.each([1, 2, 3, 7, 64, 100_000])("in pieces of %d bytes", (size) => {
  test("a body with a length", () => {
    const response = parse(sized, size);
    expect(response?.status).toBe(200);
    expect(response?.headers.get("content-type")).toBe("application/json");
    expect(response?.body.toString()).toBe("hello");
  });

  test("a chunked body with extensions and trailers", () => {
    const response = parse(chunked, size);
    expect(response?.status).toBe(404);
    expect(response?.headers.get("x")).toBe("y z");
    expect(response?.body.toString()).toBe("hello\r\n, 2026");
  });

  test("interim responses before the final one", () => {
    const response = parse(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${sized}`, size);
    expect(response?.status).toBe(200);
    expect(response?.headers.has("link")).toBe(false);
  });

  test("empty bodies", () => {
    expect(parse("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", size)?.body.length).toBe(0);
    expect(parse("HTTP/1.1 204 No Content\r\n\r\n", size)?.body.length).toBe(0);
    expect(parse("HTTP/1.1 200 \r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", size)?.body.length).toBe(0);
  });
});

test("nothing is answered before the response is complete", () => {
  for (const text of [sized, chunked]) {
    for (let length = 0; length < text.length; length++) {
      expect(parse(text.slice(0, length))).toBeUndefined();
    }
  }
});

const head = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
const chunkedHead = head("Transfer-Encoding: chunked");

test.each([
  ["another protocol", "SSH-2.0-OpenSSH_9.2p1\r\n\r\n"],
  ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["HTTP/2", "HTTP/2 200\r\nContent-Length: 0\r\n\r\n"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a status out of range", "HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a control character in the reason phrase", "HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n"],
  ["an upgrade", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"],
  ["a header without a colon", head("Content-Length 5")],
  ["a header without a name", head(": 5")],
  ["a space before the colon", head("Content-Length : 5")],
  ["obsolete folding", head("X: a", " b", "Content-Length: 0")],
  ["a bare line feed among headers", head("X: a\nContent-Length: 0")],
  ["a NUL in a value", head("X: a\x00b", "Content-Length: 0")],
  ["two lengths", head("Content-Length: 5", "Content-Length: 6")],
  ["two lengths in one", head("Content-Length: 5, 5")],
  ["a negative length", head("Content-Length: -1")],
  ["a length with a sign", head("Content-Length: +5")],
  ["a hexadecimal length", head("Content-Length: 0x5")],
  ["an empty length", head("Content-Length:")],
  ["a length beyond all numbers", head(`Content-Length: ${"9".repeat(400)}`)],
  ["a length and chunks", head("Content-Length: 5", "Transfer-Encoding: chunked")],
  ["two transfer encodings", head("Transfer-Encoding: gzip, chunked")],
  ["another transfer encoding", head("Transfer-Encoding: identity")],
  ["no length", head("Content-Type: application/json")],
  ["a length above the limit", head("Content-Length: 4097")],
  ["a chunk size that is none", `${chunkedHead}xyz\r\n`],
  ["an empty chunk size", `${chunkedHead}\r\n`],
  ["a negative chunk size", `${chunkedHead}-1\r\n`],
  ["a chunk size beyond all numbers", `${chunkedHead}${"f".repeat(40)}\r\n`],
  ["a chunk above the limit", `${chunkedHead}1001\r\n`],
  ["a chunk longer than its size", `${chunkedHead}2\r\nhello\r\n0\r\n\r\n`],
  ["a malformed trailer", `${chunkedHead}0\r\nno colon\r\n\r\n`],
  ["endless trailers", `${chunkedHead}0\r\n${"A: b\r\n".repeat(1000)}`],
  ["an endless chunk extension", `${chunkedHead}2;${"x".repeat(5000)}`],
  ["an endless status line", `HTTP/1.1 200 ${"x".repeat(5000)}`],
  ["endless headers", `HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(1000)}`],
  ["endless zeroes", "\0".repeat(5000)],
  ["bytes after the end", `${sized}X`],
  ["a second response", `${sized}${sized}`],
])("refuses %s", (_, text) => {
  for (const size of [1, 10, 100_000]) {
    expect(() => parse(text, size)).toThrow(HttpParseError);
  }
});

test("chunks together may not exceed the limit", () => {
  const chunk = `400\r\n${"x".repeat(1024)}\r\n`;
  expect(parse(`${chunkedHead}${chunk.repeat(4)}0\r\n\r\n`)?.body.length).toBe(4096);
  expect(() => parse(`${chunkedHead}${chunk.repeat(4)}1\r\n`)).toThrow(HttpParseError);
});

test("bytes that come after a complete response are refused too", () => {
  const parser = new HttpResponseParser(limits);
  expect(parser.push(Buffer.from(sized))?.status).toBe(200);
  expect(() => parser.push(Buffer.from("X"))).toThrow(HttpParseError);
});

test("random bytes never do anything but fail or wait", () => {
  let seed = 42;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed % below;
  };
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(round % 2 === 0 ? sized : chunked, "latin1");
    for (let flips = 1 + random(4); flips > 0; flips--) {
      bytes[random(bytes.length)] = random(256);
    }
    try {
      const body = parse(bytes, 1 + random(bytes.length))?.body;
      expect(body?.length ?? 0).toBeLessThanOrEqual(limits.body);
    } catch (error) {
      expect(error).toBeInstanceOf(HttpParseError);
    }
  }
});
