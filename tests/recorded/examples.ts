// The examples that the documentation of S3 gives, as data: what must be there first, the request, and
// what of the documented answer must hold. `source` is the line of the request in the boto3 reference
// of 2021 (or, where it says so, in its put_object page of 2025).
//
// Values that only that moment had (ids, dates, ETags of files that nobody has) are patterns. Left out
// are examples of what Holdfast does not do yet: ACLs, encryption, tagging operations, bucket
// configurations other than versioning, torrents and restores.

/** A literal, a pattern for text, or `absent`. */
export type Expected =
  | string
  | number
  | boolean
  | RegExp
  | typeof absent
  | readonly Expected[]
  | { readonly [member: string]: Expected };

export const absent = Symbol("absent");

export interface Call {
  readonly operation: string;
  /** `{name.Member}` in a text stands for what an earlier call answered; see `as`. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly as?: string;
}

export interface RecordedExample {
  readonly name: string;
  readonly source: string;
  readonly region?: string;
  readonly before: readonly Call[];
  readonly request: Call;
  readonly status: number;
  readonly expected: { readonly [member: string]: Expected };
}

/** As many bytes, never the same twice in a row. */
export class BytesOfLength {
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }
}

const bytes = (length: number): BytesOfLength => new BytesOfLength(length);

const call = (operation: string, input: Call["input"], as?: string): Call =>
  as === undefined ? { operation, input } : { operation, input, as };

const etag = /^"[0-9a-f]{32}"$/;
const anyId = /^[A-Za-z0-9._-]{16,}$/;
const canonicalId = /^[0-9a-f]{64}$/;
const anyDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/;
const owner = { DisplayName: /./, ID: canonicalId };
const partBytes = 5 * 1024 * 1024;

const bucket = (Bucket = "examplebucket"): Call => call("createBucket", { Bucket });
const versioned = (Status = "Enabled"): Call =>
  call("putBucketVersioning", {
    Bucket: "examplebucket",
    VersioningConfiguration: { Status },
  });
const put = (Key: string, Body: unknown, more: Call["input"] = {}, as?: string): Call =>
  call("putObject", { Bucket: "examplebucket", Key, Body, ...more }, as);
const begin = (Key: string, as = "begun"): Call =>
  call("createMultipartUpload", { Bucket: "examplebucket", Key }, as);
const part = (Key: string, PartNumber: number, Body: unknown): Call =>
  call(
    "uploadPart",
    { Bucket: "examplebucket", Key, UploadId: "{begun.UploadId}", PartNumber, Body },
    `part${PartNumber}`,
  );

export const examples: readonly RecordedExample[] = [
  {
    name: "aborts a multipart upload",
    source: "39",
    before: [bucket(), begin("bigobject")],
    request: call("abortMultipartUpload", {
      Bucket: "examplebucket",
      Key: "bigobject",
      UploadId: "{begun.UploadId}",
    }),
    status: 204,
    expected: {},
  },
  {
    name: "completes a multipart upload",
    source: "128",
    before: [
      bucket(),
      begin("bigobject"),
      part("bigobject", 1, bytes(partBytes)),
      part("bigobject", 2, bytes(partBytes)),
    ],
    request: call("completeMultipartUpload", {
      Bucket: "examplebucket",
      Key: "bigobject",
      MultipartUpload: {
        Parts: [
          { ETag: "{part1.ETag}", PartNumber: 1 },
          { ETag: "{part2.ETag}", PartNumber: 2 },
        ],
      },
      UploadId: "{begun.UploadId}",
    }),
    status: 200,
    // The page shows another bucket's name than the request's: a slip (reference, 0.2).
    expected: {
      Bucket: "examplebucket",
      ETag: /^"[0-9a-f]{32}-2"$/,
      Key: "bigobject",
      Location: /^https?:\/\/.*\/bigobject$/,
    },
  },
  {
    name: "copies an object from one bucket to another, with a leading slash",
    source: "316",
    before: [
      bucket("sourcebucket"),
      bucket("destinationbucket"),
      call("putObject", { Bucket: "sourcebucket", Key: "HappyFacejpg", Body: bytes(3191) }),
    ],
    request: call("copyObject", {
      Bucket: "destinationbucket",
      CopySource: "/sourcebucket/HappyFacejpg",
      Key: "HappyFaceCopyjpg",
    }),
    status: 200,
    expected: { CopyObjectResult: { ETag: etag, LastModified: anyDate } },
  },
  {
    name: "creates a bucket in a region",
    source: "388",
    region: "eu-west-1",
    before: [],
    request: call("createBucket", {
      Bucket: "examplebucket",
      CreateBucketConfiguration: { LocationConstraint: "eu-west-1" },
    }),
    status: 200,
    // With path-style addressing the name stands in the path.
    expected: { Location: /^http:\/\/.*examplebucket.*\/$/ },
  },
  {
    name: "creates a bucket",
    source: "403",
    before: [],
    request: bucket(),
    status: 200,
    expected: { Location: "/examplebucket" },
  },
  {
    name: "begins a multipart upload",
    source: "558",
    before: [bucket()],
    request: begin("largeobject"),
    status: 200,
    expected: { Bucket: "examplebucket", Key: "largeobject", UploadId: anyId },
  },
  {
    name: "deletes a bucket",
    source: "585",
    before: [bucket("forrandall2")],
    request: call("deleteBucket", { Bucket: "forrandall2" }),
    status: 204,
    expected: {},
  },
  {
    name: "deletes an object",
    source: "877",
    before: [bucket(), put("objectkey.jpg", "x")],
    request: call("deleteObject", { Bucket: "examplebucket", Key: "objectkey.jpg" }),
    status: 204,
    expected: { VersionId: absent, DeleteMarker: absent },
  },
  {
    name: "deletes an object from a non-versioned bucket",
    source: "889",
    before: [bucket(), put("HappyFace.jpg", "x")],
    request: call("deleteObject", { Bucket: "examplebucket", Key: "HappyFace.jpg" }),
    status: 204,
    expected: { VersionId: absent, DeleteMarker: absent },
  },
  {
    name: "deletes versions of objects",
    source: "1044",
    before: [
      bucket(),
      versioned(),
      put("HappyFace.jpg", "1", {}, "one"),
      put("HappyFace.jpg", "2", {}, "two"),
    ],
    request: call("deleteObjects", {
      Bucket: "examplebucket",
      Delete: {
        Objects: [
          { Key: "HappyFace.jpg", VersionId: "{one.VersionId}" },
          { Key: "HappyFace.jpg", VersionId: "{two.VersionId}" },
        ],
        Quiet: false,
      },
    }),
    status: 200,
    expected: {
      Deleted: [
        { Key: "HappyFace.jpg", VersionId: anyId, DeleteMarker: absent },
        { Key: "HappyFace.jpg", VersionId: anyId, DeleteMarkerVersionId: absent },
      ],
      Errors: absent,
    },
  },
  {
    name: "deletes objects of a versioned bucket",
    source: "1078",
    before: [bucket(), versioned(), put("objectkey1", "1"), put("objectkey2", "2")],
    request: call("deleteObjects", {
      Bucket: "examplebucket",
      Delete: { Objects: [{ Key: "objectkey1" }, { Key: "objectkey2" }], Quiet: false },
    }),
    status: 200,
    expected: {
      Deleted: [
        {
          DeleteMarker: true,
          DeleteMarkerVersionId: anyId,
          Key: "objectkey1",
          VersionId: absent,
        },
        {
          DeleteMarker: true,
          DeleteMarkerVersionId: anyId,
          Key: "objectkey2",
          VersionId: absent,
        },
      ],
    },
  },
  {
    name: "tells the location of a bucket",
    source: "1927",
    region: "us-west-2",
    before: [
      call("createBucket", {
        Bucket: "examplebucket",
        CreateBucketConfiguration: { LocationConstraint: "us-west-2" },
      }),
    ],
    request: call("getBucketLocation", { Bucket: "examplebucket" }),
    status: 200,
    expected: { LocationConstraint: "us-west-2" },
  },
  {
    name: "tells the versioning of a bucket",
    source: "2738",
    before: [bucket(), versioned()],
    request: call("getBucketVersioning", { Bucket: "examplebucket" }),
    status: 200,
    // MFADelete is told only where it was ever configured (reference, 1.2).
    expected: { Status: "Enabled" },
  },
  {
    name: "sets the versioning of a bucket",
    source: "6240",
    before: [bucket()],
    request: call("putBucketVersioning", {
      Bucket: "examplebucket",
      VersioningConfiguration: { MFADelete: "Disabled", Status: "Enabled" },
    }),
    status: 200,
    expected: {},
  },
  {
    name: "reads an object",
    source: "3023",
    before: [
      bucket(),
      put("HappyFace.jpg", bytes(3191), { ContentType: "image/jpeg", Tagging: "a=1&b=2" }),
      versioned(),
    ],
    request: call("getObject", { Bucket: "examplebucket", Key: "HappyFace.jpg" }),
    status: 200,
    expected: {
      AcceptRanges: "bytes",
      ContentLength: 3191,
      ContentType: "image/jpeg",
      ETag: etag,
      LastModified: anyDate,
      Metadata: {},
      TagCount: 2,
      VersionId: "null",
    },
  },
  {
    name: "reads a range of an object",
    source: "3044",
    before: [
      bucket(),
      put("SampleFile.txt", bytes(43), { ContentType: "text/plain" }),
      versioned("Suspended"),
    ],
    request: call("getObject", {
      Bucket: "examplebucket",
      Key: "SampleFile.txt",
      Range: "bytes=0-9",
    }),
    status: 206,
    expected: {
      AcceptRanges: "bytes",
      ContentLength: 10,
      ContentRange: "bytes 0-9/43",
      ContentType: "text/plain",
      ETag: etag,
      LastModified: anyDate,
      Metadata: {},
      VersionId: "null",
    },
  },
  {
    name: "finds that a bucket exists",
    source: "3477",
    before: [bucket("acl1")],
    request: call("headBucket", { Bucket: "acl1" }),
    status: 200,
    expected: {},
  },
  {
    name: "reads an object's metadata",
    source: "3636",
    before: [
      bucket(),
      put("HappyFace.jpg", bytes(3191), { ContentType: "image/jpeg" }),
      versioned(),
    ],
    request: call("headObject", { Bucket: "examplebucket", Key: "HappyFace.jpg" }),
    status: 200,
    expected: {
      AcceptRanges: "bytes",
      ContentLength: 3191,
      ContentType: "image/jpeg",
      ETag: etag,
      LastModified: anyDate,
      Metadata: {},
      VersionId: "null",
    },
  },
  {
    name: "lists uploads in progress",
    source: "4184",
    before: [bucket(), begin("JavaFile", "one"), begin("JavaFile", "two")],
    request: call("listMultipartUploads", { Bucket: "examplebucket" }),
    status: 200,
    expected: {
      Uploads: [
        {
          Initiated: anyDate,
          Initiator: owner,
          Key: "JavaFile",
          Owner: owner,
          StorageClass: "STANDARD",
          UploadId: "{one.UploadId}",
        },
        {
          Initiated: anyDate,
          Initiator: owner,
          Key: "JavaFile",
          Owner: owner,
          StorageClass: "STANDARD",
          UploadId: "{two.UploadId}",
        },
      ],
    },
  },
  {
    name: "lists the next uploads behind two markers",
    source: "4225",
    before: [
      bucket(),
      begin("JavaFile", "one"),
      begin("JavaFile", "two"),
      begin("someobjectkey", "three"),
      begin("someobjectkey", "four"),
    ],
    request: call("listMultipartUploads", {
      Bucket: "examplebucket",
      KeyMarker: "JavaFile",
      MaxUploads: 2,
      UploadIdMarker: "{one.UploadId}",
    }),
    status: 200,
    expected: {
      Bucket: "examplebucket",
      IsTruncated: true,
      KeyMarker: "JavaFile",
      MaxUploads: 2,
      NextKeyMarker: "someobjectkey",
      NextUploadIdMarker: "{three.UploadId}",
      UploadIdMarker: "{one.UploadId}",
      Uploads: [
        { Key: "JavaFile", UploadId: "{two.UploadId}" },
        { Key: "someobjectkey", UploadId: "{three.UploadId}" },
      ],
    },
  },
  {
    name: "lists the versions of an object",
    source: "4415",
    before: [
      bucket(),
      versioned(),
      put("HappyFace.jpg", bytes(3191), {}, "older"),
      versioned("Suspended"),
      put("HappyFace.jpg", bytes(3191)),
    ],
    request: call("listObjectVersions", { Bucket: "examplebucket", Prefix: "HappyFace.jpg" }),
    status: 200,
    expected: {
      Versions: [
        {
          ETag: etag,
          IsLatest: true,
          Key: "HappyFace.jpg",
          LastModified: anyDate,
          Owner: owner,
          Size: 3191,
          StorageClass: "STANDARD",
          VersionId: "null",
        },
        {
          ETag: etag,
          IsLatest: false,
          Key: "HappyFace.jpg",
          LastModified: anyDate,
          Owner: owner,
          Size: 3191,
          StorageClass: "STANDARD",
          VersionId: "{older.VersionId}",
        },
      ],
    },
  },
  {
    name: "lists two objects",
    source: "4555",
    before: [
      bucket(),
      put("example1.jpg", bytes(11)),
      put("example2.jpg", bytes(713193)),
      put("example3.jpg", bytes(1)),
    ],
    request: call("listObjects", { Bucket: "examplebucket", MaxKeys: 2 }),
    status: 200,
    // The page's NextMarker is one that the client made (reference, 0.2).
    expected: {
      Contents: [
        {
          ETag: etag,
          Key: "example1.jpg",
          LastModified: anyDate,
          Owner: owner,
          Size: 11,
          StorageClass: "STANDARD",
        },
        {
          ETag: etag,
          Key: "example2.jpg",
          LastModified: anyDate,
          Owner: owner,
          Size: 713193,
          StorageClass: "STANDARD",
        },
      ],
      IsTruncated: true,
    },
  },
  {
    name: "lists two objects, second version",
    source: "4707",
    before: [
      bucket(),
      put("happyface.jpg", bytes(11)),
      begin("test.jpg"),
      part("test.jpg", 1, bytes(4192256)),
      call("completeMultipartUpload", {
        Bucket: "examplebucket",
        Key: "test.jpg",
        UploadId: "{begun.UploadId}",
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag: "{part1.ETag}" }] },
      }),
      put("zebra.jpg", bytes(1)),
    ],
    request: call("listObjectsV2", { Bucket: "examplebucket", MaxKeys: 2 }),
    status: 200,
    expected: {
      Contents: [
        {
          ETag: etag,
          Key: "happyface.jpg",
          LastModified: anyDate,
          Owner: absent,
          Size: 11,
          StorageClass: "STANDARD",
        },
        {
          ETag: /^"[0-9a-f]{32}-1"$/,
          Key: "test.jpg",
          LastModified: anyDate,
          Owner: absent,
          Size: 4192256,
          StorageClass: "STANDARD",
        },
      ],
      IsTruncated: true,
      KeyCount: 2,
      MaxKeys: 2,
      Name: "examplebucket",
      NextContinuationToken: /./,
      Prefix: "",
    },
  },
  {
    name: "lists the parts of an upload",
    source: "4845",
    before: [
      bucket(),
      begin("bigobject"),
      part("bigobject", 1, bytes(100_000)),
      part("bigobject", 2, bytes(100_000)),
    ],
    request: call("listParts", {
      Bucket: "examplebucket",
      Key: "bigobject",
      UploadId: "{begun.UploadId}",
    }),
    status: 200,
    expected: {
      Initiator: owner,
      Owner: owner,
      Parts: [
        { ETag: "{part1.ETag}", LastModified: anyDate, PartNumber: 1, Size: 100_000 },
        { ETag: "{part2.ETag}", LastModified: anyDate, PartNumber: 2, Size: 100_000 },
      ],
      StorageClass: "STANDARD",
    },
  },
  {
    name: "creates an object in a versioned bucket",
    source: "6469; put_object 2025, 547",
    before: [bucket(), versioned()],
    request: put("objectkey", "filetoupload"),
    status: 200,
    expected: { ETag: etag, VersionId: anyId },
  },
  {
    name: "creates an object from a file of Windows",
    source: "6526; put_object 2025, 603",
    before: [bucket(), versioned()],
    request: put("HappyFace.jpg", bytes(3191)),
    status: 200,
    expected: { ETag: etag, VersionId: anyId },
  },
  {
    name: "creates an object with metadata",
    source: "6541; put_object 2025, 624",
    before: [bucket(), versioned()],
    request: put("exampleobject", "filetoupload", {
      Metadata: { metadata1: "value1", metadata2: "value2" },
    }),
    status: 200,
    expected: { ETag: etag, VersionId: anyId },
  },
  {
    name: "creates an object with tags",
    source: "6560; put_object 2025, 649",
    before: [bucket(), versioned()],
    request: put("HappyFace.jpg", "c:\\HappyFace.jpg", { Tagging: "key1=value1&key2=value2" }),
    status: 200,
    expected: { ETag: etag, VersionId: anyId },
  },
  {
    name: "uploads a part",
    source: "7410",
    before: [bucket(), begin("examplelargeobject")],
    request: part("examplelargeobject", 1, "fileToUpload"),
    status: 200,
    expected: { ETag: etag },
  },
  {
    name: "makes a part of an object",
    source: "7515",
    before: [
      bucket(),
      bucket("bucketname"),
      call("putObject", { Bucket: "bucketname", Key: "sourceobjectkey", Body: bytes(200_000) }),
      begin("examplelargeobject"),
    ],
    request: call("uploadPartCopy", {
      Bucket: "examplebucket",
      CopySource: "/bucketname/sourceobjectkey",
      Key: "examplelargeobject",
      PartNumber: 1,
      UploadId: "{begun.UploadId}",
    }),
    status: 200,
    expected: { CopyPartResult: { ETag: etag, LastModified: anyDate } },
  },
  {
    name: "makes a part of a range of an object",
    source: "7534",
    before: [
      bucket(),
      bucket("bucketname"),
      call("putObject", { Bucket: "bucketname", Key: "sourceobjectkey", Body: bytes(200_000) }),
      begin("examplelargeobject"),
    ],
    request: call("uploadPartCopy", {
      Bucket: "examplebucket",
      CopySource: "/bucketname/sourceobjectkey",
      CopySourceRange: "bytes=1-100000",
      Key: "examplelargeobject",
      PartNumber: 2,
      UploadId: "{begun.UploadId}",
    }),
    status: 200,
    expected: { CopyPartResult: { ETag: etag, LastModified: anyDate } },
  },
];
