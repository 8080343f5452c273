// IAM and STS as no SDK calls them: without signatures, with broken forms, by GET, for other services.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { elementOf } from "../s3/test-server.ts";
import { assertError, exchange, rawRequest, requestBytes, type RawAnswer } from "./raw-client.ts";
import { startRawServer } from "./raw-server.ts";
import {
  presignV4,
  sha256Hex,
  signHeaderV4,
  type HeaderField,
  type RawRequest,
} from "./raw-signer.ts";

const { port, signer, clock } = await startRawServer();
const form: HeaderField = ["Content-Type", "application/x-www-form-urlencoded; charset=utf-8"];

function post(body: string | Uint8Array, headers: readonly HeaderField[] = [form]): RawRequest {
  return rawRequest("POST", "/", { body, headers });
}

function signed(request: RawRequest, service: string, region?: string): RawRequest {
  const settings = {
    milliseconds: clock.now(),
    service,
    ...(region === undefined ? {} : { region }),
  };
  return signHeaderV4(request, signer, settings).request;
}

async function send(request: RawRequest): Promise<RawAnswer> {
  return exchange(port, requestBytes(request), { method: request.method });
}

function call(
  service: string,
  body: string | Uint8Array,
  headers?: readonly HeaderField[],
): Promise<RawAnswer> {
  return send(signed(post(body, headers), service));
}

/** The query protocol has an error document of its own. */
function assertQueryError(answer: RawAnswer, status: number, code: string, message?: string): void {
  assert.match(
    answer.text,
    /^<ErrorResponse xmlns="https:\/\/(?:iam|sts)\.amazonaws\.com\/doc\/[^"]+"><Error><Type>Sender<\/Type>/,
  );
  assert.equal(elementOf(answer.text, "Code"), code, answer.text);
  assert.equal(answer.status, status);
  if (message !== undefined) assert.equal(elementOf(answer.text, "Message"), message);
  assert.equal(elementOf(answer.text, "RequestId"), answer.headers.get("x-amzn-requestid"));
  assert.equal(answer.headers.get("content-type"), "text/xml");
}

/** Other services than S3 sign the body, also of a presigned request: the hash of nothing. */
const emptyHash: HeaderField = ["x-amz-content-sha256", sha256Hex(new Uint8Array(0))];
const whoAmI = "Action=GetCallerIdentity&Version=2011-06-15";

describe("GetCallerIdentity", () => {
  test("by POST, by GET with a signed header, and presigned", async () => {
    const answers = [
      await call("sts", whoAmI),
      await send(signed(rawRequest("GET", `/?${whoAmI}`), "sts")),
      await send(
        presignV4(rawRequest("GET", `/?${whoAmI}`, { headers: [emptyHash] }), signer, {
          milliseconds: clock.now(),
          service: "sts",
        }).request,
      ),
    ];
    for (const { status, text } of answers) {
      assert.equal(status, 200, text);
      assert.match(text, /<Arn>arn:aws:iam::\d{12}:root<\/Arn>/);
    }
  });

  test("a presigned one ends with its time", async () => {
    const target = `/?${whoAmI}`;
    const { request } = presignV4(rawRequest("GET", target, { headers: [emptyHash] }), signer, {
      milliseconds: clock.now() - 61_000,
      service: "sts",
      expiresSeconds: 60,
    });
    assertQueryError(await send(request), 403, "AccessDenied", "Request has expired");
  });

  test("changed after it was signed, in the body or in the query", async () => {
    const request = signed(post(whoAmI), "sts");
    const changed = { ...request, body: Buffer.from(whoAmI.replace("2011", "2012")) };
    assertQueryError(await send(changed), 403, "SignatureDoesNotMatch");
    const byQuery = signed(rawRequest("GET", `/?${whoAmI}`), "sts");
    assertQueryError(
      await send({ ...byQuery, target: `${byQuery.target}&X=1` }),
      403,
      "SignatureDoesNotMatch",
    );
  });
});

describe("actions and parameters", () => {
  test("an action that is none, of another service, of another version", async () => {
    assertQueryError(
      await call("iam", "Action=Nothing&Version=2010-05-08"),
      400,
      "InvalidAction",
      "Could not find operation Nothing for version 2010-05-08",
    );
    assertQueryError(await call("sts", "Action=ListUsers"), 400, "InvalidAction");
    assertQueryError(
      await call("iam", "Action=ListUsers&Version=2011-06-15"),
      400,
      "InvalidAction",
    );
    // Nothing that objects inherit is an action.
    assertQueryError(await call("iam", "Action=constructor"), 400, "InvalidAction");
    assertQueryError(await call("iam", "Version=2010-05-08"), 400, "MissingAction");
    assertQueryError(await call("iam", ""), 400, "MissingAction");
  });

  test("a body that is no form", async () => {
    const json: HeaderField = ["Content-Type", "application/json"];
    assertQueryError(await call("iam", "{}", [json]), 400, "MalformedInput");
    assertQueryError(await call("iam", Buffer.of(0x41, 0x3d, 0xff)), 404, "MalformedQueryString");
    assertQueryError(await call("iam", "Action=ListUsers&A=%"), 404, "MalformedQueryString");
    assertQueryError(
      await call("iam", "Action=ListUsers&MaxItems=1&MaxItems=2"),
      404,
      "MalformedQueryString",
    );
  });

  test("a body that is too long", async () => {
    assertQueryError(
      await call("iam", `Action=CreatePolicy&PolicyDocument=${"x".repeat(600_000)}`),
      413,
      "RequestEntityTooLarge",
    );
  });

  test("what breaks a constraint changes nothing", async () => {
    assertQueryError(
      await call("iam", "Action=CreateUser&UserName=a&Tags.member.1.Key=k"),
      400,
      "ValidationError",
      "1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null",
    );
    const { text } = await call("iam", "Action=ListUsers");
    assert.match(text, /<Users\/>/);
  });
});

describe("authentication", () => {
  test("a form without a signature is none of IAM's, and of STS's only what carries a token", async () => {
    assertQueryError(
      await send(post(whoAmI)),
      403,
      "MissingAuthenticationToken",
      "Request is missing Authentication Token",
    );
    assertQueryError(await send(post("Action=ListUsers")), 403, "MissingAuthenticationToken");
    assertQueryError(await send(post("Action=AssumeRoleWithWebIdentity")), 400, "ValidationError");
  });

  test("a signature for S3 is no signature for IAM, and the other way round", async () => {
    const forS3 = await send(signed(post("Action=ListUsers"), "s3"));
    assert.ok(forS3.status >= 400 && !forS3.text.includes("ListUsersResponse"), forS3.text);
    const atBucket = signed(rawRequest("GET", "/raw-bucket"), "iam");
    assertError(await send(atBucket), { status: 400, code: "AuthorizationHeaderMalformed" });
  });

  test("IAM is signed for us-east-1; another region is refused", async () => {
    const request = post("Action=ListUsers&Version=2010-05-08");
    assert.equal((await send(signed(request, "iam", "us-east-1"))).status, 200);
    assertQueryError(await send(signed(request, "iam", "eu-west-1")), 400, "IncompleteSignature");
  });

  test("a request of yesterday, a key that nobody has, an invented token", async () => {
    const late = signHeaderV4(post(whoAmI), signer, {
      milliseconds: clock.now() - 86_400_000,
      service: "sts",
    }).request;
    assertQueryError(await send(late), 403, "SignatureDoesNotMatch");
    const stranger = { ...signer, accessKeyId: "AKIANOBODYEXAMPLE00" };
    const settings = { milliseconds: clock.now(), service: "sts" };
    assertQueryError(
      await send(signHeaderV4(post(whoAmI), stranger, settings).request),
      403,
      "InvalidClientTokenId",
      "The security token included in the request is invalid.",
    );
    const withToken = post(whoAmI, [form, ["X-Amz-Security-Token", "invented"]]);
    assertQueryError(
      await send(signHeaderV4(withToken, signer, settings).request),
      403,
      "InvalidClientTokenId",
    );
  });
});
