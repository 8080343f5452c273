// Signatures that hold: odd paths and queries, which S3 signs as they were sent, clocks that are nearly
// right, and buckets that the Host header names.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { elementOf } from "../s3/test-server.ts";
import { exchange, rawRequest, requestBytes, withHeader, type RawAnswer } from "./raw-client.ts";
import { startMilliseconds, startRawServer, succeed } from "./raw-server.ts";
import { signHeaderV4, type RawRequest } from "./raw-signer.ts";

const server = await startRawServer({ domains: ["s3.raw.test"] });
const { bucket, signer } = server;
const minute = 60_000;

function signed(request: RawRequest, milliseconds = startMilliseconds): RawRequest {
  return signHeaderV4(request, signer, { milliseconds }).request;
}

describe("a signature in the header is accepted", () => {
  const keys: readonly (readonly [string, string])[] = [
    ["a//b", "a//b"],
    ["/leading", "/leading"],
    ["a/../b", "a/../b"],
    ["./c", "./c"],
    ["a%2Fb", "a/b"],
    ["a%252Fb", "a%2Fb"],
    ["a%2520b", "a%20b"],
    ["plus%2Bplus", "plus+plus"],
    ["plus+blank", "plus blank"],
    ["blank%20blank", "blank blank"],
    ["%41%42", "AB"],
    ["~tilde%7Etilde", "~tilde~tilde"],
    ["sub!$&'()*,;=:@delims", "sub!$&'()*,;=:@delims"],
    ["%C3%A9-escaped", "é-escaped"],
    ["%f0%9f%90%8e", "🐎"],
    ["trailing/", "trailing/"],
  ];
  for (const [path, key] of keys) {
    test(`for the path ${path}, which names the key ${JSON.stringify(key)}`, async () => {
      const request = rawRequest("PUT", `/${bucket}/${path}`, { body: key });
      await succeed(exchange(server.port, requestBytes(signed(request))));
      const listing = await server.send("GET", `/${bucket}?list-type=2&encoding-type=url`);
      const keys = [...listing.text.matchAll(/<Key>([^<]*)<\/Key>/g)].map((match) =>
        decodeURIComponent((match[1] as string).replaceAll("+", " ")),
      );
      assert.ok(keys.includes(key), JSON.stringify(keys));
      const read = await succeed(server.send("GET", `/${bucket}/${path}`));
      assert.equal(read.text, key);
      await succeed(server.send("DELETE", `/${bucket}/${path}`));
    });
  }

  test("up to a quarter of an hour beside the server's clock", async () => {
    for (const minutes of [-15, 15]) {
      const milliseconds = startMilliseconds + minutes * minute;
      const request = signed(rawRequest("GET", `/${bucket}/old`), milliseconds);
      const answer = await succeed(exchange(server.port, requestBytes(request)));
      assert.equal(answer.text, "old bytes");
    }
  });

  test("with Date in place of x-amz-date, and blanks in signed values", async () => {
    const request = rawRequest("GET", `/${bucket}/old`, {
      headers: [["x-amz-meta-words", "  a   b\tc "]],
    });
    const answer = await succeed(exchange(server.port, requestBytes(signed(request))));
    assert.equal(answer.text, "old bytes");
    const dated = signed(rawRequest("GET", `/${bucket}/old`, { headers: [["Date", "now"]] }));
    assert.equal((await exchange(server.port, requestBytes(dated))).status, 200);
  });

  test("for a query in any order, with repeated, empty and escaped parameters", async () => {
    const target = `/${bucket}?z=%2B&prefix=ol&list-type=2&a&b=&prefix=x&&%61=1`;
    const answer = await succeed(server.send("GET", target));
    assert.equal(elementOf(answer.text, "Prefix"), "ol");
    assert.equal(elementOf(answer.text, "KeyCount"), "1");
  });
});

test("a path of raw bytes above ASCII never gets as far: HTTP does not allow them", () => {
  const request = signed(rawRequest("PUT", `/${bucket}/\u00c3\u00a9`, { body: "raw" }));
  return server.assertRefused(requestBytes(request), { status: 400, code: "BadRequest" });
});

const hosted = (host: string, method: string, path: string, body = ""): RawRequest =>
  signed(rawRequest(method, path, { host, body }));
const send = (request: RawRequest): Promise<RawAnswer> =>
  exchange(server.port, requestBytes(request), { method: request.method });

describe("a bucket in the Host header", () => {
  test("is addressed under the server's domain, also with dots and a port", async () => {
    const name = "bucket.with.dots";
    await succeed(send(hosted(`${name}.s3.raw.test`, "PUT", "/")));
    await succeed(send(hosted(`${name}.s3.raw.test:9000`, "PUT", "/a/key", "hosted")));
    assert.equal((await send(hosted(`${name}.S3.RAW.TEST.`, "GET", "/a/key"))).text, "hosted");
    assert.equal((await succeed(server.send("GET", `/${name}/a/key`))).text, "hosted");
    assert.equal((await send(hosted("s3.raw.test", "GET", `/${name}/a/key`))).text, "hosted");
    await succeed(server.send("DELETE", `/${name}/a/key`));
    await succeed(server.send("DELETE", `/${name}`));
  });

  test("is under the signature: another Host does not open another bucket", async () => {
    const request = hosted("elsewhere.s3.raw.test", "PUT", "/old", "evil");
    await server.assertRefused(requestBytes(withHeader(request, "Host", `${bucket}.s3.raw.test`)), {
      status: 403,
      code: "SignatureDoesNotMatch",
    });
  });

  test("is none under another domain, or as a mere end of the name", async () => {
    for (const host of [`${bucket}.s3.raw.test.example.com`, `${bucket}s3.raw.test`]) {
      const answer = await send(hosted(host, "GET", `/${bucket}/old`));
      assert.equal(answer.text, "old bytes", host);
    }
  });
});
