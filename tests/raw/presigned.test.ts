// Signature V4 in the query: every wrong parameter, the end of its life, and that a presigned request is
// the one that was signed and no other.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  exchange,
  rawRequest,
  requestBytes,
  withHeader,
  type Expectation,
  type RawAnswer,
} from "./raw-client.ts";
import { startMilliseconds, startRawServer, succeed } from "./raw-server.ts";
import { presignV4, type HeaderField, type RawRequest } from "./raw-signer.ts";

const server = await startRawServer();
const { bucket, signer } = server;
const week = 604_800;

function presigned(
  request: RawRequest,
  settings: Partial<Parameters<typeof presignV4>[2]> = {},
): RawRequest {
  return presignV4(request, signer, { milliseconds: startMilliseconds, ...settings }).request;
}

function putWith(change: (parameters: Map<string, string>) => void): RawRequest {
  return presigned(rawRequest("PUT", `/${bucket}/new`, { body: "new bytes" }), { change });
}

const send = (request: RawRequest): Promise<RawAnswer> =>
  exchange(server.port, requestBytes(request), { method: request.method });

const missingParameter =
  "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";

describe("a presigned V4 request is refused", () => {
  for (const name of ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders"]) {
    for (const kind of ["without", "with an empty"]) {
      test(`${kind} X-Amz-${name}`, () => {
        const request = putWith((parameters) => {
          if (kind === "without") parameters.delete(`X-Amz-${name}`);
          else parameters.set(`X-Amz-${name}`, "");
        });
        return server.assertRefused(requestBytes(request), {
          status: 400,
          code: "AuthorizationQueryParametersError",
          message: missingParameter,
        });
      });
    }
  }

  test("without X-Amz-Signature", () => {
    const request = putWith(() => {});
    const target = request.target.replace(/&X-Amz-Signature=.*/, "");
    return server.assertRefused(requestBytes({ ...request, target }), {
      status: 400,
      code: "AuthorizationQueryParametersError",
      message: missingParameter,
    });
  });

  const refusals: readonly (readonly [string, string, string, string | RegExp])[] = [
    ["Algorithm", "AWS4-HMAC-SHA512", "another algorithm", /only supports "AWS4-HMAC-SHA256"$/],
    ["Credential", "abc", "a credential without scope", /the Credential is mal-formed/],
    [
      "Credential",
      `${signer.accessKeyId}/20260115/us-west-2/s3/aws4_request`,
      "another region",
      "Error parsing the X-Amz-Credential parameter; the region 'us-west-2' is wrong; expecting 'us-east-1'",
    ],
    [
      "Credential",
      `${signer.accessKeyId}/20260115/us-east-1/sts/aws4_request`,
      "another service",
      /incorrect service "sts"/,
    ],
    [
      "Credential",
      `${signer.accessKeyId}/20260114/us-east-1/s3/aws4_request`,
      "another day",
      /^Invalid credential date "20260114"/,
    ],
    ["Date", "2026-01-15T12:00:00Z", "a date in another form", /ISO8601 Long Format/],
    ["Date", "20261315T120000Z", "a month that no year has", /ISO8601 Long Format/],
    ["Expires", "soon", "a life in words", "X-Amz-Expires should be a number"],
    ["Expires", "1.5", "a broken life", "X-Amz-Expires should be a number"],
    ["Expires", "-1", "a negative life", "X-Amz-Expires must be non-negative"],
    ["Expires", String(week + 1), "a life of more than a week", /must be less than a week/],
    ["Expires", "9".repeat(400), "an endless life", "X-Amz-Expires should be a number"],
  ];
  for (const [name, value, title, message] of refusals) {
    test(`with ${title}`, () =>
      server.assertRefused(
        requestBytes(putWith((parameters) => parameters.set(`X-Amz-${name}`, value))),
        { status: 400, code: "AuthorizationQueryParametersError", message },
      ));
  }

  const others: readonly (readonly [string, () => RawRequest, Expectation])[] = [
    [
      "of an unknown access key",
      () =>
        putWith((parameters) =>
          parameters.set("X-Amz-Credential", "AKIANOBODY/20260115/us-east-1/s3/aws4_request"),
        ),
      { status: 403, code: "InvalidAccessKeyId", fields: { AWSAccessKeyId: "AKIANOBODY" } },
    ],
    [
      "that does not sign Host",
      () => putWith((parameters) => parameters.set("X-Amz-SignedHeaders", "date")),
      { status: 403, code: "AccessDenied", fields: { HeadersNotSigned: "host" } },
    ],
    [
      "with an x-amz header that was not signed",
      () =>
        withHeader(
          putWith(() => {}),
          "x-amz-storage-class",
          "GLACIER",
        ),
      {
        status: 403,
        code: "AccessDenied",
        fields: { HeadersNotSigned: "x-amz-storage-class" },
      },
    ],
    [
      "for another method",
      () => ({ ...presigned(rawRequest("GET", `/${bucket}/old`)), method: "DELETE" }),
      { status: 403, code: "SignatureDoesNotMatch" },
    ],
    [
      "with a parameter that was added",
      () => {
        const request = presigned(rawRequest("PUT", `/${bucket}/new`, { body: "new" }));
        return { ...request, target: `${request.target}&tagging` };
      },
      { status: 403, code: "SignatureDoesNotMatch" },
    ],
    [
      "whose signature came twice, the right one last",
      () => {
        const request = putWith(() => {});
        return {
          ...request,
          target: request.target.replace("X-Amz-Signature=", "X-Amz-Signature=0&X-Amz-Signature="),
        };
      },
      { status: 403, code: "SignatureDoesNotMatch" },
    ],
    [
      "with a session token that nobody issued",
      () => putWith((parameters) => parameters.set("X-Amz-Security-Token", "abc")),
      { status: 400, code: "InvalidToken", fields: { "Token-0": "abc" } },
    ],
    [
      "whose signed digest the body does not have",
      () => {
        const headers: HeaderField[] = [["x-amz-content-sha256", "0".repeat(64)]];
        return presigned(rawRequest("PUT", `/${bucket}/new`, { headers, body: "new" }));
      },
      { status: 400, code: "XAmzContentSHA256Mismatch" },
    ],
  ];
  for (const [name, build, expected] of others) {
    test(name, () => server.assertRefused(requestBytes(build()), expected));
  }

  test("that is not valid yet", () => {
    const request = rawRequest("PUT", `/${bucket}/new`, { body: "new" });
    const early = presigned(request, { milliseconds: startMilliseconds + 16 * 60_000 });
    return server.assertRefused(requestBytes(early), {
      status: 403,
      code: "AccessDenied",
      message: "Request is not valid yet",
    });
  });
});

test("a presigned V4 request lives as long as it says, and not a second longer", async () => {
  const request = presigned(rawRequest("GET", `/${bucket}/old`), { expiresSeconds: 3600 });
  const weekly = presigned(rawRequest("GET", `/${bucket}/old`), { expiresSeconds: week });
  server.clock.set(startMilliseconds + 3600 * 1000);
  assert.equal((await succeed(send(request))).text, "old bytes");
  server.clock.advance(1000);
  await server.assertRefused(requestBytes(request), {
    status: 403,
    code: "AccessDenied",
    message: "Request has expired",
    fields: {
      "X-Amz-Expires": "3600",
      Expires: "2026-01-15T13:00:00Z",
      ServerTime: "2026-01-15T13:00:01Z",
    },
  });
  server.clock.set(startMilliseconds + week * 1000);
  assert.equal((await succeed(send(weekly))).text, "old bytes");
  server.clock.set(startMilliseconds);
});

test("a presigned V4 upload takes any body, and headers that were signed", async () => {
  const headers: HeaderField[] = [["x-amz-meta-color", "blue"]];
  const request = presigned(rawRequest("PUT", `/${bucket}/presigned`, { headers, body: "any" }));
  await succeed(send({ ...request, body: Buffer.from("something else") }));
  const read = await succeed(send(presigned(rawRequest("GET", `/${bucket}/presigned`))));
  assert.equal(read.text, "something else");
  assert.equal(read.headers.get("x-amz-meta-color"), "blue");
  await succeed(server.send("DELETE", `/${bucket}/presigned`));
});
