import assert from "node:assert/strict";
import { test } from "node:test";
import { iam } from "../../model/iam.generated.ts";
import { encodeQueryError, encodeResult } from "./encode-answer.ts";

const namespace = "https://iam.amazonaws.com/doc/2010-05-08/";

test("lists, structures, times, booleans and what XML escapes", () => {
  const output = {
    Users: [
      {
        Path: "/",
        UserName: "a&b",
        UserId: "AIDA",
        Arn: "arn",
        CreateDate: new Date("2026-01-02T03:04:05.678Z"),
      },
    ],
    IsTruncated: false,
  };
  const { body, status, headers } = encodeResult("ListUsers", output, iam, "R");
  assert.equal(
    body,
    `<ListUsersResponse xmlns="${namespace}"><ListUsersResult><Users><member><Path>/</Path><UserName>a&amp;b</UserName><UserId>AIDA</UserId><Arn>arn</Arn><CreateDate>2026-01-02T03:04:05Z</CreateDate></member></Users><IsTruncated>false</IsTruncated></ListUsersResult><ResponseMetadata><RequestId>R</RequestId></ResponseMetadata></ListUsersResponse>`,
  );
  assert.equal(status, 200);
  assert.deepEqual(headers, ["Content-Type", "text/xml", "x-amzn-RequestId", "R"]);
});

test("maps are entries; an action without output has no result; one without members an empty one", () => {
  assert.match(
    encodeResult("GetAccountSummary", { SummaryMap: { Users: 3 } }, iam, "R").body,
    /<SummaryMap><entry><key>Users<\/key><value>3<\/value><\/entry><\/SummaryMap>/,
  );
  assert.doesNotMatch(encodeResult("DeleteUser", undefined, iam, "R").body, /Result/);
  assert.match(encodeResult("UpdateRole", {}, iam, "R").body, /<UpdateRoleResult\/>/);
});

test("errors name whose fault it is", () => {
  const sender = { code: "NoSuchEntity", message: "<none>", status: 404 };
  assert.equal(
    encodeQueryError(sender, namespace, "R").body,
    `<ErrorResponse xmlns="${namespace}"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>&lt;none&gt;</Message></Error><RequestId>R</RequestId></ErrorResponse>`,
  );
  const receiver = { code: "InternalFailure", message: "", status: 500 };
  assert.match(encodeQueryError(receiver, namespace, "R").body, /<Type>Receiver<\/Type>/);
});
