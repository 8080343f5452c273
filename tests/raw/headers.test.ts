// The head of a request: sections that are too large, fields that contradict each other, characters that
// do not belong, methods and versions that do not exist, and values that try to become headers.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RawClient } from "../http/raw-client.ts";
import {
  assertWellFormed,
  exchange,
  headBytes,
  rawRequest,
  readAnswer,
  requestBytes,
  withHeader,
  type Expectation,
  type RawAnswer,
} from "./raw-client.ts";
import { startRawServer, succeed } from "./raw-server.ts";
import { encode, type HeaderField, type RawRequest } from "./raw-signer.ts";

const server = await startRawServer({ domains: ["s3.raw.test"] });
const { bucket } = server;
const target = `/${bucket}/new`;

const malformed: Expectation = {
  status: 400,
  code: "BadRequest",
  message: "An error occurred when parsing the HTTP request.",
};
const tooLarge: Expectation = {
  status: 400,
  code: "RequestHeaderSectionTooLarge",
  message: "Your request header section exceeds the maximum allowed size.",
  fields: { MaxSizeAllowed: "8192" },
};

function put(headers: readonly HeaderField[], body = "new bytes"): RawRequest {
  return server.sign(rawRequest("PUT", target, { headers, body }));
}

/** Stores an object with these headers, reads it, and removes it. */
async function roundTrip(headers: readonly HeaderField[]): Promise<RawAnswer> {
  await succeed(exchange(server.port, requestBytes(put(headers))));
  const read = await succeed(server.send("GET", target));
  await succeed(server.send("DELETE", target));
  return read;
}

describe("the size of the header section", () => {
  test("8 KiB are allowed", async () => {
    const read = await roundTrip([["X-Padding", "a".repeat(7500)]]);
    assert.equal(read.text, "new bytes");
  });

  const sections: readonly (readonly [string, readonly HeaderField[]])[] = [
    ["one field above 8 KiB", [["X-Padding", "a".repeat(8192)]]],
    ["one field above the parser's bound", [["X-Padding", "a".repeat(100_000)]]],
    ["many fields above 8 KiB", manyFields(100, 100)],
    ["more fields than anybody needs", manyFields(300, 1)],
    ["a name above 8 KiB", [["x".repeat(9000), "a"]]],
  ];
  for (const [name, headers] of sections) {
    test(`${name} is refused`, () => server.assertRefused(requestBytes(put(headers)), tooLarge));
  }

  test("a target above everything is refused", () => {
    const request = server.sign(rawRequest("GET", `/${bucket}?prefix=${"a".repeat(20_000)}`));
    return server.assertRefused(requestBytes(request), tooLarge);
  });
});

function manyFields(count: number, valueBytes: number): HeaderField[] {
  return Array.from({ length: count }, (_, index) => [`X-F${index}`, "a".repeat(valueBytes)]);
}

describe("metadata", () => {
  test("of 2 KiB is kept, names and values counted together", async () => {
    const value = "v".repeat(2048 - 4);
    const read = await roundTrip([["x-amz-meta-name", value]]);
    assert.equal(read.headers.get("x-amz-meta-name"), value);
  });

  test("of a byte more is refused", () =>
    server.assertRefused(requestBytes(put([["x-amz-meta-name", "v".repeat(2048 - 3)]])), {
      status: 400,
      code: "MetadataTooLarge",
      message: "Your metadata headers exceed the maximum allowed metadata size",
      fields: { MaxSizeAllowed: "2048", Size: "2049" },
    }));

  test("counts its characters as UTF-8", () => {
    const value = Buffer.from("é".repeat(1023), "utf8").toString("latin1");
    return server.assertRefused(requestBytes(put([["x-amz-meta-name", value]])), {
      status: 400,
      code: "MetadataTooLarge",
      fields: { Size: "2050" },
    });
  });

  const values: readonly (readonly [string, string, string])[] = [
    ["UTF-8 bytes", Buffer.from("größe €", "utf8").toString("latin1"), "größe €"],
    ["Latin-1 bytes", "gr\u00f6\u00dfe", "größe"],
    ["an encoded word", "=?UTF-8?B?Z3LDtsOfZQ==?=", "größe"],
    ["an encoded word in Q", "=?UTF-8?Q?gr=C3=B6=C3=9Fe?=", "größe"],
  ];
  for (const [name, sent, meant] of values) {
    test(`in ${name} comes back as an encoded word`, async () => {
      const { headers } = await roundTrip([["x-amz-meta-name", sent]]);
      const word = /^=\?UTF-8\?B\?(.*)\?=$/.exec(headers.get("x-amz-meta-name") ?? "");
      assert.equal(Buffer.from(word?.[1] ?? "", "base64").toString("utf8"), meant);
    });
  }

  test("sent twice is joined", async () => {
    const headers: HeaderField[] = [
      ["x-amz-meta-name", "one"],
      ["X-Amz-Meta-Name", "two"],
    ];
    assert.equal((await roundTrip(headers)).headers.get("x-amz-meta-name"), "one,two");
  });

  test("by names that mean something to JavaScript is only metadata", async () => {
    const names = ["__proto__", "constructor", "hasownproperty", "tostring"];
    const { headers } = await roundTrip(names.map((name) => [`x-amz-meta-${name}`, `of ${name}`]));
    for (const name of names) assert.equal(headers.get(`x-amz-meta-${name}`), `of ${name}`);
  });
});

describe("fields that contradict each other", () => {
  test("two Content-Types are kept as one value", async () => {
    const { headers } = await roundTrip([
      ["Content-Type", "text/plain"],
      ["Content-Type", "text/html"],
    ]);
    assert.equal(headers.get("content-type"), "text/plain,text/html");
  });

  const contradictions: readonly (readonly [string, readonly HeaderField[], Expectation])[] = [
    [
      "If-Match and If-None-Match",
      [
        ["If-Match", "*"],
        ["If-None-Match", "*"],
      ],
      { status: 501, code: "NotImplemented" },
    ],
    [
      "If-None-Match with an ETag",
      [["If-None-Match", '"abc"']],
      { status: 501, code: "NotImplemented" },
    ],
    [
      "two Content-MD5",
      [
        ["Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="],
        ["Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="],
      ],
      { status: 400, code: "InvalidDigest" },
    ],
    [
      "two storage classes",
      [
        ["x-amz-storage-class", "STANDARD"],
        ["x-amz-storage-class", "GLACIER"],
      ],
      { status: 400, code: "InvalidStorageClass" },
    ],
    [
      "two x-amz-content-sha256",
      [
        ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"],
        ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"],
      ],
      { status: 400, code: "InvalidArgument" },
    ],
    [
      "a copy source and a body",
      [["x-amz-copy-source", "nonsense"]],
      { status: 400, code: "InvalidArgument" },
    ],
  ];
  for (const [name, headers, expected] of contradictions) {
    test(`${name} are refused`, () => server.assertRefused(requestBytes(put(headers)), expected));
  }
});

describe("characters that do not belong into a head", () => {
  const heads: readonly (readonly [string, string])[] = [
    ["a null byte in a value", `GET /${bucket}/old HTTP/1.1\r\nHost: h\r\nX-A: a\0b\r\n\r\n`],
    ["a control byte in a value", `GET /${bucket}/old HTTP/1.1\r\nHost: h\r\nX-A: a\x01b\r\n\r\n`],
    ["a delete byte in a value", `GET /${bucket}/old HTTP/1.1\r\nHost: h\r\nX-A: a\x7fb\r\n\r\n`],
    ["a blank in a name", `GET /${bucket}/old HTTP/1.1\r\nHost: h\r\nX A: b\r\n\r\n`],
    ["a blank before a colon", `GET /${bucket}/old HTTP/1.1\r\nHost : h\r\n\r\n`],
    ["a folded field", `GET /${bucket}/old HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c\r\n\r\n`],
    ["a bare carriage return", `GET /${bucket}/old HTTP/1.1\r\nHost: h\rX-A: b\r\n\r\n`],
    ["bare line feeds", `GET /${bucket}/old HTTP/1.1\nHost: h\n\n`],
    ["a null byte in the target", `GET /${bucket}/ol\0d HTTP/1.1\r\nHost: h\r\n\r\n`],
    ["a blank in the target", `GET /${bucket}/o ld HTTP/1.1\r\nHost: h\r\n\r\n`],
    ["a tab in the target", `GET /${bucket}/o\tld HTTP/1.1\r\nHost: h\r\n\r\n`],
    ["no target", "GET HTTP/1.1\r\nHost: h\r\n\r\n"],
    ["no version", `GET /${bucket}/old\r\nHost: h\r\n\r\n`],
    ["a version of the future", `GET /${bucket}/old HTTP/4.0\r\nHost: h\r\n\r\n`],
    ["a method in small letters", `get /${bucket}/old HTTP/1.1\r\nHost: h\r\n\r\n`],
    ["a method that does not exist", `FETCH /${bucket}/old HTTP/1.1\r\nHost: h\r\n\r\n`],
    ["a method with a null byte", `GE\0T /${bucket}/old HTTP/1.1\r\nHost: h\r\n\r\n`],
    ["no Host", `GET /${bucket}/old HTTP/1.1\r\n\r\n`],
    ["two Hosts", `GET /${bucket}/old HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n`],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaa\r\n\r\n"],
    ["another protocol", "SSH-2.0-OpenSSH_9.7\r\n"],
  ];
  for (const [name, head] of heads) {
    test(`${name} is refused`, () => server.assertRefused(Buffer.from(head, "latin1"), malformed));
  }

  test("CONNECT is refused", () =>
    server.assertRefused(Buffer.from("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"), {
      status: 405,
      code: "MethodNotAllowed",
    }));
});

describe("forms of a request that few clients send", () => {
  const get = rawRequest("GET", `/${bucket}/old`);

  test("HTTP/1.0 is answered, and the connection closed", async () => {
    using client = await RawClient.connect(server.port);
    client.send(requestBytes(server.sign(get), "HTTP/1.0"));
    assert.equal((await readAnswer(client)).text, "old bytes");
    assert.equal((await client.closed()).byteLength, 0);
  });

  test("HTTP/1.0 without Host has nothing that a signature could cover", async () => {
    const request = server.sign(get);
    const headers = request.headers.filter(([name]) => name !== "Host");
    await server.assertRefused(requestBytes({ ...request, headers }, "HTTP/1.0"), {
      status: 403,
      code: "SignatureDoesNotMatch",
    });
  });

  test("a target with scheme and host is the path behind them", async () => {
    const host = `${bucket}.s3.raw.test`;
    const request = server.sign(rawRequest("GET", "/old", { host }));
    const absolute = { ...request, target: `http://${host}/old` };
    assert.equal((await exchange(server.port, requestBytes(absolute))).text, "old bytes");
  });

  test("a host in the target that is not the signed one opens nothing", () => {
    const request = server.sign(rawRequest("DELETE", "/old", { host: "elsewhere.s3.raw.test" }));
    const absolute = { ...request, target: `http://${bucket}.s3.raw.test/old` };
    return server.assertRefused(requestBytes(absolute), malformed);
  });

  test("a target that is neither path nor address is refused", () =>
    server.assertRefused(requestBytes({ ...server.sign(get), target: "*" }), {
      status: 403,
      code: "SignatureDoesNotMatch",
    }));

  test("several requests sent at once are answered in their order", async () => {
    using client = await RawClient.connect(server.port);
    const refused = withHeader(get, "Authorization", "nonsense");
    const requests = [server.sign(get), get, refused, server.sign(get)];
    client.send(Buffer.concat(requests.map((request) => headBytes(request))));
    const statuses: number[] = [];
    for (const _ of requests) statuses.push((await readAnswer(client)).status);
    assert.deepEqual(statuses, [200, 403, 400, 200]);
  });
});

describe("a response-* override cannot become a header", () => {
  const names = [
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
  ];
  for (const name of names) {
    test(name, async () => {
      for (const end of ["\r\n", "\n", "\r", "\0"]) {
        const value = `a${end}X-Evil: 1${end}${end}<script>`;
        const answer = await server.send("GET", `/${bucket}/old?${name}=${encode(value)}`);
        assertWellFormed(answer);
        assert.ok(answer.status === 200 || answer.status === 400, String(answer.status));
        assert.equal(answer.headers.has("x-evil"), false);
        if (answer.status === 200) assert.equal(answer.text, "old bytes");
      }
    });
  }

  test("text beyond Latin-1 in one is refused", () =>
    server.assertRefused(
      requestBytes(
        server.sign(rawRequest("GET", `/${bucket}/old?response-content-type=%E2%82%AC`)),
      ),
      {
        status: 400,
        code: "InvalidArgument",
        message: "Header value cannot be represented using ISO-8859-1.",
        fields: { ArgumentName: "response-content-type", ArgumentValue: "€" },
      },
    ));
});
