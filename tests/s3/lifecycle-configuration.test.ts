// What may be put as a lifecycle configuration, how it comes back, and S3's words for everything else.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { LifecycleRule, TransitionDefaultMinimumObjectSize } from "@aws-sdk/client-s3";
import {
  assertErrorAnswer,
  assertRefused,
  elementsOf,
  md5Base64,
  startTestServer,
  type Refusal,
} from "./test-server.ts";

const { s3, newBucket, send } = await startTestServer();
const Bucket = await newBucket();

const put = (
  Rules: LifecycleRule[],
  TransitionDefaultMinimumObjectSize?: TransitionDefaultMinimumObjectSize,
) =>
  s3.putBucketLifecycleConfiguration({
    Bucket,
    LifecycleConfiguration: { Rules },
    TransitionDefaultMinimumObjectSize,
  });
const get = () => s3.getBucketLifecycleConfiguration({ Bucket });

const putXml = (content: string) => {
  const body = `<LifecycleConfiguration>${content}</LifecycleConfiguration>`;
  return send({
    method: "PUT",
    path: `/${Bucket}`,
    query: "lifecycle",
    headers: { "content-md5": md5Base64(body) },
    body,
  });
};
const getXml = async () =>
  (await send({ path: `/${Bucket}`, query: "lifecycle" })).text.replace(/^.*?\?>\n?/s, "");

const filtered = { ID: "rule", Filter: { Prefix: "a/" }, Status: "Enabled" } as const;
const ofPrefix = { ID: "rule", Prefix: "a/", Status: "Enabled" } as const;
const argument = (message: string, name: string, value: string): Refusal => ({
  code: "InvalidArgument",
  status: 400,
  message,
  fields: { ArgumentName: name, ArgumentValue: value },
});
const request = (message: string): Refusal => ({ code: "InvalidRequest", status: 400, message });
const malformed: Refusal = { code: "MalformedXML", status: 400 };

test("the older form comes back as it was sent", async () => {
  const rule =
    "<Rule><ID>r</ID><Prefix>logs/</Prefix><Status>Enabled</Status><Expiration><Date>2031-05-01T00:00:00.000Z</Date></Expiration>" +
    "<Transition><Date>2030-05-01T00:00:00.000Z</Date><StorageClass>GLACIER</StorageClass></Transition>" +
    "<AbortIncompleteMultipartUpload><DaysAfterInitiation>3</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>";
  assert.equal((await putXml(rule)).status, 200);
  const xmlns = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  assert.equal(await getXml(), `<LifecycleConfiguration ${xmlns}>${rule}</LifecycleConfiguration>`);
});

test("the newer form keeps an empty filter and the order of its conditions", async () => {
  const rules =
    "<Rule><ID>all</ID><Filter></Filter><Status>Disabled</Status><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration></Rule>" +
    "<Rule><ID>some</ID><Filter><And><Prefix></Prefix><Tag><Key>b</Key><Value>2</Value></Tag><Tag><Key>a</Key><Value></Value></Tag><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan></And></Filter><Status>Enabled</Status><Expiration><Days>4</Days></Expiration></Rule>";
  assert.equal((await putXml(rules)).status, 200);
  assert.ok((await getXml()).includes(rules), await getXml());
});

test("elements may stand in any order", async () => {
  const answer = await putXml(
    "<Rule><Expiration><Days>1</Days></Expiration><Status>Enabled</Status><Filter><Prefix>x</Prefix></Filter></Rule>",
  );
  assert.equal(answer.status, 200, answer.text);
});

test("a rule without an id gets one as S3 makes them, and keeps it", async () => {
  const { ID: _, ...anonymous } = filtered;
  await put([
    { ...anonymous, Expiration: { Days: 1 } },
    { ...anonymous, ID: "", NoncurrentVersionExpiration: { NoncurrentDays: 1 } },
  ]);
  const ids = (await get()).Rules?.map((rule) => rule.ID ?? "") ?? [];
  assert.equal(new Set(ids).size, 2);
  for (const id of ids) {
    assert.equal(id.length, 48);
    assert.match(
      Buffer.from(id, "base64").toString(),
      /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    );
  }
  assert.deepEqual(
    (await get()).Rules?.map((rule) => rule.ID),
    ids,
  );
});

test("a configuration replaces the one before it, and is gone when it was deleted", async () => {
  await put([{ ...filtered, Expiration: { Days: 1 } }]);
  await put([{ ...filtered, ID: "other", Expiration: { Days: 2 } }]);
  assert.deepEqual(
    (await get()).Rules?.map((rule) => rule.ID),
    ["other"],
  );
  await s3.deleteBucketLifecycle({ Bucket });
  await s3.deleteBucketLifecycle({ Bucket });
  await assertRefused(get(), { code: "NoSuchLifecycleConfiguration", status: 404 });
});

test("the size from which on objects move is shown, S3's default too", async () => {
  const rules = [{ ...filtered, Expiration: { Days: 1 } }];
  const standard = await put(rules);
  assert.equal(standard.TransitionDefaultMinimumObjectSize, "all_storage_classes_128K");
  assert.equal((await get()).TransitionDefaultMinimumObjectSize, "all_storage_classes_128K");
  await put(rules, "varies_by_storage_class");
  assert.equal((await get()).TransitionDefaultMinimumObjectSize, "varies_by_storage_class");
  await assertRefused(
    put(rules, "some" as "varies_by_storage_class"),
    request("Invalid TransitionDefaultMinimumObjectSize found: some"),
  );
});

test("a refused configuration changes nothing", async () => {
  await put([{ ...filtered, Expiration: { Days: 9 } }]);
  await assertRefused(put([{ ...filtered }]), { code: "InvalidRequest", status: 400 });
  assert.equal((await get()).Rules?.[0]?.Expiration?.Days, 9);
});

test("a thousand rules are enough", async () => {
  const rules = Array.from({ length: 1001 }, (_, index) => ({
    ...filtered,
    ID: `rule ${index}`,
    Expiration: { Days: index + 1 },
  }));
  await put(rules.slice(0, 1000));
  assert.equal((await get()).Rules?.length, 1000);
  await assertRefused(
    put(rules),
    request("The number of lifecycle rules must not exceed the allowed limit of 1000 rules."),
  );
});

const date = new Date("2030-01-01T00:00:00Z");
const later = new Date("2030-02-01T00:00:00Z");
const refused: readonly (readonly [string, LifecycleRule[], Refusal])[] = [
  ["no rule", [], malformed],
  ["a status in lower case", [{ ...filtered, Status: "enabled" as "Enabled" }], malformed],
  ["neither prefix nor filter", [{ Status: "Enabled", Expiration: { Days: 1 } }], malformed],
  ["prefix and filter", [{ ...filtered, Prefix: "a", Expiration: { Days: 1 } }], malformed],
  [
    "two conditions without And",
    [
      {
        ...filtered,
        Filter: { Prefix: "a", Tag: { Key: "a", Value: "b" } },
        Expiration: { Days: 1 },
      },
    ],
    malformed,
  ],
  [
    "one condition in And",
    [{ ...filtered, Filter: { And: { Prefix: "a" } }, Expiration: { Days: 1 } }],
    malformed,
  ],
  ["an empty expiration", [{ ...filtered, Expiration: {} }], malformed],
  ["days and date", [{ ...filtered, Expiration: { Days: 1, Date: date } }], malformed],
  [
    "days and delete markers",
    [{ ...filtered, Expiration: { Days: 1, ExpiredObjectDeleteMarker: true } }],
    malformed,
  ],
  [
    "kept versions without days",
    [{ ...filtered, NoncurrentVersionExpiration: { NewerNoncurrentVersions: 2 } }],
    malformed,
  ],
  [
    "a transition without a time",
    [{ ...filtered, Transitions: [{ StorageClass: "GLACIER" }] }],
    malformed,
  ],
  ["a transition to nowhere", [{ ...filtered, Transitions: [{ Days: 1 }] }], malformed],
  [
    "a transition to a class that is none",
    [{ ...filtered, Transitions: [{ Days: 1, StorageClass: "STANDARD" as "GLACIER" }] }],
    malformed,
  ],
  ["no action", [{ ...filtered }], request("At least one action needs to be specified in a rule")],
  [
    "an id of 256 characters",
    [{ ...filtered, ID: "i".repeat(256), Expiration: { Days: 1 } }],
    argument("ID length should not exceed allowed limit of 255", "ID", "i".repeat(256)),
  ],
  [
    "an id twice",
    [
      { ...filtered, Expiration: { Days: 1 } },
      { ...filtered, Expiration: { Days: 2 } },
    ],
    argument("Rule ID must be unique. Found same ID for more than one rule", "ID", "rule"),
  ],
  [
    "a filter after a prefix",
    [
      { ...ofPrefix, Expiration: { Days: 1 } },
      { ...filtered, ID: "2", Expiration: { Days: 1 } },
    ],
    request("Filter element can only be used in Lifecycle V2."),
  ],
  [
    "a prefix after a filter",
    [
      { ...filtered, Expiration: { Days: 1 } },
      { ...ofPrefix, ID: "2", Expiration: { Days: 1 } },
    ],
    request(
      "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.",
    ),
  ],
  [
    "kept versions in the older form",
    [
      {
        ...ofPrefix,
        NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 1 },
      },
    ],
    request("NewerNoncurrentVersions element can only be used in Lifecycle V2."),
  ],
  [
    "prefixes of the older form that overlap",
    [
      { ...ofPrefix, Expiration: { Days: 1 } },
      { ...ofPrefix, ID: "2", Prefix: "", Expiration: { Days: 1 } },
    ],
    request("Found overlapping prefixes '' and 'a/' for same action type 'Expiration'"),
  ],
  [
    "no days",
    [{ ...filtered, Expiration: { Days: 0 } }],
    argument("'Days' for Expiration action must be a positive integer", "Days", "0"),
  ],
  [
    "negative days of older versions",
    [{ ...filtered, NoncurrentVersionExpiration: { NoncurrentDays: -1 } }],
    argument(
      "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
      "NoncurrentDays",
      "-1",
    ),
  ],
  [
    "no days of uploads",
    [{ ...filtered, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 0 } }],
    argument(
      "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer",
      "DaysAfterInitiation",
      "0",
    ),
  ],
  [
    "too many kept versions",
    [
      {
        ...filtered,
        NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 101 },
      },
    ],
    argument(
      "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be an integer between 1 and 100",
      "NewerNoncurrentVersions",
      "101",
    ),
  ],
  [
    "an hour of a day",
    [{ ...filtered, Expiration: { Date: new Date("2030-01-01T01:00:00Z") } }],
    argument("'Date' must be at midnight GMT", "Date", "2030-01-01T01:00:00.000Z"),
  ],
  [
    "an hour of a transition",
    [
      {
        ...filtered,
        Transitions: [{ Date: new Date("2030-01-01T00:00:01Z"), StorageClass: "GLACIER" }],
      },
    ],
    argument("'Date' must be at midnight GMT", "Date", "2030-01-01T00:00:01.000Z"),
  ],
  [
    "delete markers by tag",
    [
      {
        ...filtered,
        Filter: { Tag: { Key: "a", Value: "b" } },
        Expiration: { ExpiredObjectDeleteMarker: true },
      },
    ],
    request("ExpiredObjectDeleteMarker cannot be specified with Tags."),
  ],
  [
    "delete markers by size, even switched off",
    [
      {
        ...filtered,
        Filter: { ObjectSizeGreaterThan: 5 },
        Expiration: { ExpiredObjectDeleteMarker: false },
      },
    ],
    request("ExpiredObjectDeleteMarker cannot be specified with Object Size."),
  ],
  [
    "uploads by tags",
    [
      {
        ...filtered,
        Filter: { And: { Prefix: "a", Tags: [{ Key: "a", Value: "b" }] } },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
      },
    ],
    request("AbortIncompleteMultipartUpload cannot be specified with Tags."),
  ],
  [
    "uploads by size",
    [
      {
        ...filtered,
        Filter: { ObjectSizeLessThan: 5 },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
      },
    ],
    request("AbortIncompleteMultipartUpload cannot be specified with Object Size."),
  ],
  [
    "a tag twice",
    [
      {
        ...filtered,
        Filter: {
          And: {
            Tags: [
              { Key: "a", Value: "1" },
              { Key: "a", Value: "2" },
            ],
          },
        },
        Expiration: { Days: 1 },
      },
    ],
    request("Duplicate Tag Keys are not allowed."),
  ],
  [
    "a size below nothing",
    [{ ...filtered, Filter: { ObjectSizeLessThan: 0 }, Expiration: { Days: 1 } }],
    request("'ObjectSizeLessThan' should be between 1 and 1099511627776000."),
  ],
  [
    "an empty range of sizes",
    [
      {
        ...filtered,
        Filter: { And: { ObjectSizeGreaterThan: 5, ObjectSizeLessThan: 5 } },
        Expiration: { Days: 1 },
      },
    ],
    request("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'."),
  ],
  [
    "a prefix longer than any key",
    [{ ...filtered, Filter: { Prefix: "p".repeat(1025) }, Expiration: { Days: 1 } }],
    request("The maximum size of a prefix is 1024."),
  ],
  [
    "STANDARD_IA too early",
    [{ ...filtered, Transitions: [{ Days: 29, StorageClass: "STANDARD_IA" }] }],
    argument(
      "'Days' in Transition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'",
      "Days",
      "29",
    ),
  ],
  [
    "ONEZONE_IA too early, of older versions",
    [
      {
        ...filtered,
        NoncurrentVersionTransitions: [{ NoncurrentDays: 0, StorageClass: "ONEZONE_IA" }],
      },
    ],
    argument(
      "'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to 30 for storageClass 'ONEZONE_IA'",
      "NoncurrentDays",
      "0",
    ),
  ],
  [
    "a negative time of a transition",
    [{ ...filtered, Transitions: [{ Days: -1, StorageClass: "GLACIER" }] }],
    argument("'Days' in Transition action must be nonnegative", "Days", "-1"),
  ],
  [
    "one class twice",
    [
      {
        ...filtered,
        Transitions: [
          { Days: 1, StorageClass: "GLACIER" },
          { Days: 100, StorageClass: "GLACIER" },
        ],
      },
    ],
    request(
      "'StorageClass' must be different for 'Transition' actions in same 'Rule' with filter '(prefix=a/)'",
    ),
  ],
  [
    "days and dates of transitions",
    [
      {
        ...filtered,
        Transitions: [
          { Days: 1, StorageClass: "GLACIER" },
          { Date: date, StorageClass: "DEEP_ARCHIVE" },
        ],
      },
    ],
    request(
      "Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for filter '(prefix=a/)'",
    ),
  ],
  [
    "days of a transition and the date of the end",
    [
      {
        ...ofPrefix,
        Expiration: { Date: date },
        Transitions: [{ Days: 1, StorageClass: "GLACIER" }],
      },
    ],
    request(
      "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for prefix 'a/'",
    ),
  ],
  [
    "DEEP_ARCHIVE too soon after GLACIER",
    [
      {
        ...filtered,
        Filter: { Prefix: "" },
        Transitions: [
          { Days: 1, StorageClass: "GLACIER" },
          { Days: 90, StorageClass: "DEEP_ARCHIVE" },
        ],
      },
    ],
    argument(
      "'Days' in the 'Transition' action for StorageClass 'DEEP_ARCHIVE' for filter '(prefix=)' must be 90 days more than 'filter '(prefix=)'' in the 'Transition' action for StorageClass 'GLACIER'",
      "Days",
      "90",
    ),
  ],
  [
    "back to a warmer class",
    [
      {
        ...filtered,
        Transitions: [
          { Days: 10, StorageClass: "GLACIER" },
          { Days: 40, StorageClass: "STANDARD_IA" },
        ],
      },
    ],
    argument(
      "'Days' in the 'Transition' action for StorageClass 'GLACIER' for filter '(prefix=a/)' must be 30 days more than 'filter '(prefix=a/)'' in the 'Transition' action for StorageClass 'STANDARD_IA'",
      "Days",
      "10",
    ),
  ],
  [
    "the end before the move",
    [
      {
        ...filtered,
        Expiration: { Days: 30 },
        Transitions: [{ Days: 30, StorageClass: "STANDARD_IA" }],
      },
    ],
    argument(
      "'Days' in the Expiration action for filter '(prefix=a/)' must be greater than 'Days' in the Transition action",
      "Days",
      "30",
    ),
  ],
  [
    "the date of the end before that of the move",
    [
      {
        ...filtered,
        Expiration: { Date: date },
        Transitions: [{ Date: later, StorageClass: "GLACIER" }],
      },
    ],
    argument(
      "'Date' in the Expiration action for filter '(prefix=a/)' must be later than 'Date' in the Transition action",
      "Date",
      "2030-01-01T00:00:00.000Z",
    ),
  ],
  [
    "the end of older versions before their move",
    [
      {
        ...filtered,
        NoncurrentVersionExpiration: { NoncurrentDays: 20 },
        NoncurrentVersionTransitions: [{ NoncurrentDays: 20, StorageClass: "GLACIER" }],
      },
    ],
    argument(
      "'NoncurrentDays' in the NoncurrentVersionExpiration action must be greater than 'NoncurrentDays' in the NoncurrentVersionTransition action",
      "NoncurrentDays",
      "20",
    ),
  ],
];

describe("refused:", () => {
  for (const [name, rules, expected] of refused) {
    test(name, async () => {
      await assertRefused(put(rules), expected);
    });
  }

  test("an element that no rule has", async () => {
    const answer = await putXml("<Rule><Filter/><Status>Enabled</Status><Expire/></Rule>");
    assertErrorAnswer(answer, malformed);
  });

  test("a date that is none", async () => {
    const answer = await putXml(
      "<Rule><Filter/><Status>Enabled</Status><Expiration><Date>Fri, 01 Jan 2016 00:00:00 GMT</Date></Expiration></Rule>",
    );
    assertErrorAnswer(answer, malformed);
  });
});

describe("accepted:", () => {
  const accepted: readonly (readonly [string, LifecycleRule[]])[] = [
    [
      "a transition at once",
      [{ ...filtered, Transitions: [{ Days: 0, StorageClass: "GLACIER_IR" }] }],
    ],
    [
      "the whole waterfall",
      [
        {
          ...filtered,
          Expiration: { Days: 400 },
          Transitions: [
            { Days: 30, StorageClass: "STANDARD_IA" },
            { Days: 60, StorageClass: "ONEZONE_IA" },
            { Days: 90, StorageClass: "GLACIER" },
            { Days: 180, StorageClass: "DEEP_ARCHIVE" },
          ],
        },
      ],
    ],
    [
      "the same prefix in two filters",
      [
        { ...filtered, Expiration: { Days: 3 } },
        { ...filtered, ID: "2", Expiration: { Days: 5 } },
      ],
    ],
    [
      "prefixes of the older form that overlap, for other actions",
      [
        { ...ofPrefix, Expiration: { Days: 3 } },
        { ...ofPrefix, ID: "2", AbortIncompleteMultipartUpload: { DaysAfterInitiation: 5 } },
      ],
    ],
    [
      "an empty prefix beside a size",
      [
        {
          ...filtered,
          Filter: { And: { Prefix: "", ObjectSizeGreaterThan: 1 } },
          Expiration: { Days: 1 },
        },
      ],
    ],
  ];
  for (const [name, rules] of accepted) {
    test(name, async () => {
      await put(rules);
      assert.deepEqual((await get()).Rules, rules);
    });
  }
});

test("ids are shown in the order of the rules", async () => {
  await put([
    { ...filtered, ID: "z", Expiration: { Days: 1 } },
    { ...filtered, ID: "a", Expiration: { Days: 2 } },
  ]);
  assert.deepEqual(elementsOf(await getXml(), "ID"), ["z", "a"]);
});
