// ListMultipartUploads and ListParts: order, pages with both markers, and what entries tell.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ManualClock } from "../../src/app.ts";
import {
  assertErrorAnswer,
  assertRefused,
  elementOf,
  elementsOf,
  md5Hex,
  startTestServer,
} from "./test-server.ts";

const clock = new ManualClock(Date.now());
const { s3, plainS3, newBucket, upload, send } = await startTestServer({ clock });

async function begin(Bucket: string, Key: string): Promise<string> {
  clock.advance(1000);
  return (await plainS3.createMultipartUpload({ Bucket, Key })).UploadId ?? "";
}

const Bucket = await newBucket();
const b1 = await begin(Bucket, "b");
const a1 = await begin(Bucket, "a");
const b2 = await begin(Bucket, "b");
const b3 = await begin(Bucket, "b");
const d1 = await begin(Bucket, "d/1");
const d2 = await begin(Bucket, "d/2");

interface Listed {
  readonly Uploads?: readonly { readonly UploadId?: string | undefined }[] | undefined;
}
const idsOf = ({ Uploads = [] }: Listed) => Uploads.map(({ UploadId }) => UploadId);

test("uploads are ordered by key, then by the time of their beginning", async () => {
  const page = await s3.listMultipartUploads({ Bucket });
  assert.deepEqual(idsOf(page), [a1, b1, b2, b3, d1, d2]);
  assert.deepEqual([page.IsTruncated, page.MaxUploads], [false, 1000]);
  const times = page.Uploads?.slice(1, 4).map(({ Initiated }) => Initiated?.getTime() ?? 0) ?? [];
  assert.deepEqual(
    times,
    times.toSorted((left, right) => left - right),
  );
  const [entry] = page.Uploads ?? [];
  assert.equal(entry?.StorageClass, "STANDARD");
  assert.match(entry?.Owner?.ID ?? "", /^[0-9a-f]{64}$/);
  // s3-api.md 1.1: for an account the initiator has the canonical id.
  assert.equal(entry?.Initiator?.ID, entry?.Owner?.ID);
});

test("a key marker alone skips the key, with an upload id it goes on behind that upload", async () => {
  const after = await s3.listMultipartUploads({ Bucket, KeyMarker: "b" });
  assert.deepEqual(idsOf(after), [d1, d2]);
  const inside = await s3.listMultipartUploads({ Bucket, KeyMarker: "b", UploadIdMarker: b1 });
  assert.deepEqual(idsOf(inside), [b2, b3, d1, d2]);
  assert.deepEqual([inside.KeyMarker, inside.UploadIdMarker], ["b", b1]);
  // Reference: without a key marker the upload id is ignored.
  assert.deepEqual(idsOf(await s3.listMultipartUploads({ Bucket, UploadIdMarker: b1 })), [
    a1,
    b1,
    b2,
    b3,
    d1,
    d2,
  ]);
});

test("pages of every size make up the whole, with and without delimiter", async () => {
  for (const Delimiter of [undefined, "/"]) {
    const whole = await s3.listMultipartUploads({ Bucket, Delimiter });
    const expected = [...idsOf(whole), ...(whole.CommonPrefixes ?? []).map(({ Prefix }) => Prefix)];
    assert.equal(expected.length, Delimiter === undefined ? 6 : 5);
    for (const MaxUploads of [1, 2, 4, 6]) {
      const seen: (string | undefined)[] = [];
      let KeyMarker: string | undefined;
      let UploadIdMarker: string | undefined;
      for (;;) {
        const input = { Bucket, Delimiter, MaxUploads, KeyMarker, UploadIdMarker };
        const page = await s3.listMultipartUploads(input);
        seen.push(...idsOf(page), ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix));
        if (page.IsTruncated !== true) break;
        KeyMarker = page.NextKeyMarker;
        UploadIdMarker = page.NextUploadIdMarker;
      }
      assert.deepEqual(seen, expected);
    }
  }
});

test("a prefix selects, a delimiter groups", async () => {
  assert.deepEqual(idsOf(await s3.listMultipartUploads({ Bucket, Prefix: "d/" })), [d1, d2]);
  const grouped = await s3.listMultipartUploads({ Bucket, Delimiter: "/", KeyMarker: "b" });
  assert.deepEqual(
    grouped.CommonPrefixes?.map(({ Prefix }) => Prefix),
    ["d/"],
  );
  assert.equal(grouped.Uploads, undefined);
});

test("names are encoded on demand", async () => {
  const odd = await newBucket();
  await begin(odd, "ä b/1");
  const answer = await send({ path: `/${odd}`, query: "uploads&encoding-type=url" });
  assert.deepEqual(elementsOf(answer.text, "Key"), ["%C3%A4+b/1"]);
  assert.equal(elementOf(answer.text, "EncodingType"), "url");
});

test("odd arguments are refused", async () => {
  for (const query of ["uploads&max-uploads=-1", "uploads&max-uploads=x"]) {
    const answer = await send({ path: `/${Bucket}`, query });
    assertErrorAnswer(answer, { code: "InvalidArgument", status: 400 });
  }
  await assertRefused(
    s3.listMultipartUploads({ Bucket, KeyMarker: "b", UploadIdMarker: "nonsense" }),
    {
      code: "InvalidArgument",
      status: 400,
      message: "Invalid uploadId marker",
      fields: { ArgumentName: "upload-id-marker", ArgumentValue: "nonsense" },
    },
  );
  const none = await s3.listMultipartUploads({ Bucket, MaxUploads: 0 });
  assert.deepEqual([none.Uploads, none.IsTruncated], [undefined, false]);
});

test("finished and aborted uploads are not listed", async () => {
  const own = await newBucket();
  const { parts, ...place } = await upload(own, "done", [Buffer.from("x")]);
  await s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts: parts } });
  const UploadId = await begin(own, "aborted");
  await s3.abortMultipartUpload({ Bucket: own, Key: "aborted", UploadId });
  assert.deepEqual(idsOf(await s3.listMultipartUploads({ Bucket: own })), []);
  assert.equal((await s3.listObjectsV2({ Bucket: own })).KeyCount, 1);
});

test("uploads in progress are no objects", async () => {
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 0);
  assert.equal((await s3.listObjectVersions({ Bucket })).Versions, undefined);
});

const other = await newBucket();
const parted = { Bucket: other, Key: "parts", UploadId: await begin(other, "parts") };
const numbers = [9, 2, 10_000, 1, 300];
for (const PartNumber of numbers) {
  await plainS3.uploadPart({ ...parted, PartNumber, Body: `part ${PartNumber}` });
}

test("parts are listed by number with size, ETag and time", async () => {
  const page = await s3.listParts(parted);
  assert.deepEqual(
    page.Parts?.map(({ PartNumber, Size, ETag }) => [PartNumber, Size, ETag]),
    [1, 2, 9, 300, 10_000].map((number) => [
      number,
      `part ${number}`.length,
      `"${md5Hex(`part ${number}`)}"`,
    ]),
  );
  assert.ok(page.Parts?.every(({ LastModified }) => LastModified instanceof Date));
  assert.deepEqual([page.Bucket, page.Key, page.UploadId], [other, "parts", parted.UploadId]);
  assert.deepEqual([page.StorageClass, page.IsTruncated, page.MaxParts], ["STANDARD", false, 1000]);
  assert.equal(page.Initiator?.ID, page.Owner?.ID);
});

test("parts come in pages behind a number", async () => {
  const sorted = numbers.toSorted((left, right) => left - right);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(0, 1, 5, 9, 299, 10_000, 20_000),
      async (MaxParts, marker) => {
        const found: (number | undefined)[] = [];
        let PartNumberMarker = String(marker);
        for (;;) {
          const page = await s3.listParts({ ...parted, MaxParts, PartNumberMarker });
          assert.equal(page.PartNumberMarker, PartNumberMarker);
          found.push(...(page.Parts ?? []).map(({ PartNumber }) => PartNumber));
          if (page.IsTruncated !== true) break;
          PartNumberMarker = page.NextPartNumberMarker ?? "";
        }
        assert.deepEqual(
          found,
          sorted.filter((number) => number > marker),
        );
      },
    ),
    { numRuns: 25 },
  );
});

test("odd numbers in ListParts are refused", async () => {
  for (const argument of ["max-parts=-1", "max-parts=x", "part-number-marker=x"]) {
    const query = `uploadId=${parted.UploadId}&${argument}`;
    const answer = await send({ path: `/${other}/parts`, query });
    assertErrorAnswer(answer, { code: "InvalidArgument", status: 400 });
  }
  const many = await s3.listParts({ ...parted, MaxParts: 5000 });
  assert.equal(many.MaxParts, 1000);
});

test("the parts of an unknown upload cannot be listed", async () => {
  const missing = {
    code: "NoSuchUpload",
    status: 404,
    message:
      "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
  };
  await assertRefused(s3.listParts({ ...parted, UploadId: "nonsense" }), missing);
  await assertRefused(s3.listParts({ ...parted, Key: "other" }), missing);
});

test("the algorithm of an upload is told in both listings, with the values of the parts", async () => {
  const Key = "summed";
  const Bucket = other;
  const { UploadId } = await s3.createMultipartUpload({ Bucket, Key, ChecksumAlgorithm: "SHA1" });
  const place = { Bucket, Key, UploadId };
  const sent = await s3.uploadPart({
    ...place,
    PartNumber: 1,
    Body: "x",
    ChecksumAlgorithm: "SHA1",
  });
  const { Uploads = [] } = await s3.listMultipartUploads({ Bucket, Prefix: Key });
  assert.deepEqual(
    [Uploads[0]?.ChecksumAlgorithm, Uploads[0]?.ChecksumType],
    ["SHA1", "COMPOSITE"],
  );
  const listed = await s3.listParts(place);
  assert.deepEqual([listed.ChecksumAlgorithm, listed.ChecksumType], ["SHA1", "COMPOSITE"]);
  assert.equal(listed.Parts?.[0]?.ChecksumSHA1, sent.ChecksumSHA1);
});
