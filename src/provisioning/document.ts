// What a provisioning file may say, as one strict schema: an unknown or misspelt name is an error with
// its place, never silently nothing.

import { z } from "zod";
import { parseByteSize } from "../base/byte-sizes.ts";
import { storageClasses } from "../model/storage-classes.ts";
import { notificationDestinations } from "../model/notification-destinations.ts";
import { ProvisioningError } from "./provisioning-error.ts";

/** A number of bytes, or a text such as `10GiB`. */
const size = z.union([
  z.number().int().nonnegative(),
  z.string().transform((text, context) => {
    const bytes = parseByteSize(text);
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: "custom", message: "must be a size such as 10GiB" });
    return z.NEVER;
  }),
]);

const quota = z
  .strictObject({
    bytes: size.optional(),
    objects: z.number().int().nonnegative().optional(),
  })
  .transform(({ bytes, objects }) => ({
    ...(bytes === undefined ? {} : { bytes }),
    ...(objects === undefined ? {} : { objects }),
  }));

/** A policy document, as an object or as the text of one. */
const policyDocument = z
  .union([z.string(), z.record(z.string(), z.unknown())])
  .transform((value) => (typeof value === "string" ? value : JSON.stringify(value)));

const accessKey = z.strictObject({
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  status: z.enum(["Active", "Inactive"]).optional(),
});

const tags = z.record(z.string(), z.string());

const grants = {
  /** ARNs of managed policies, or names of the account's own. */
  policies: z.array(z.string()).optional(),
  inlinePolicies: z.record(z.string(), policyDocument).optional(),
};

const identities = {
  policies: z
    .array(
      z.strictObject({
        name: z.string(),
        path: z.string().optional(),
        description: z.string().optional(),
        document: policyDocument,
      }),
    )
    .optional(),
  groups: z
    .array(z.strictObject({ name: z.string(), path: z.string().optional(), ...grants }))
    .optional(),
  users: z
    .array(
      z.strictObject({
        name: z.string(),
        path: z.string().optional(),
        groups: z.array(z.string()).optional(),
        permissionsBoundary: z.string().optional(),
        tags: tags.optional(),
        accessKeys: z.array(accessKey).max(2).optional(),
        ...grants,
      }),
    )
    .optional(),
  roles: z
    .array(
      z.strictObject({
        name: z.string(),
        path: z.string().optional(),
        description: z.string().optional(),
        trustPolicy: policyDocument,
        maximumSessionSeconds: z.number().int().optional(),
        permissionsBoundary: z.string().optional(),
        tags: tags.optional(),
        ...grants,
      }),
    )
    .optional(),
  oidcProviders: z
    .array(
      z.strictObject({
        url: z.string(),
        clientIds: z.array(z.string()),
        thumbprints: z.array(z.string()).optional(),
      }),
    )
    .optional(),
};

/** Settings of a bucket have the names and the JSON form in which SDKs and the AWS CLI take them. */
const bucket = z.strictObject({
  name: z.string(),
  quota: quota.optional(),
  objectLockEnabled: z.boolean().optional(),
  settings: z.record(z.string(), z.unknown()).optional(),
});

const holdings = { ...identities, quota: quota.optional(), buckets: z.array(bucket).optional() };

const account = z.strictObject({
  name: z.string(),
  /** Twelve digits; without it the account is found by its name. */
  id: z.string().optional(),
  canonicalId: z.string().optional(),
  email: z.string().optional(),
  /** Keys of the account's root. */
  accessKeys: z.array(accessKey).max(2).optional(),
  ...holdings,
});

const seconds = z.number().nonnegative().optional();

const blobStore = z.union([
  z.strictObject({ directory: z.string().min(1) }),
  z.strictObject({
    endpoint: z.url({ protocol: /^https?$/ }),
    region: z.string().min(1),
    bucket: z.string().min(1),
    prefix: z.string().optional(),
    accessKeyId: z.string().min(1),
    secretAccessKey: z.string().min(1),
    storageClass: z.string().optional(),
  }),
]);

const storageClass = z.strictObject({
  store: z.string().optional(),
  compression: z.enum(["zstd", "gzip"]).optional(),
});

/** Where storage classes keep their bytes. It is read at each start, and changes nothing in a store. */
const storage = z
  .strictObject({
    stores: z.record(z.string().regex(/^[a-z0-9]{1,32}$/), blobStore).optional(),
    classes: z.partialRecord(z.enum(storageClasses), storageClass).optional(),
    restoreSeconds: z
      .strictObject({
        GLACIER: z
          .strictObject({ Expedited: seconds, Standard: seconds, Bulk: seconds })
          .optional(),
        DEEP_ARCHIVE: z.strictObject({ Standard: seconds, Bulk: seconds }).optional(),
      })
      .optional(),
  })
  .superRefine(({ stores = {}, classes = {} }, context) => {
    for (const [name, { store }] of Object.entries(classes)) {
      if (store === undefined || Object.hasOwn(stores, store)) continue;
      const message = `there is no store named ${store} under storage.stores`;
      context.addIssue({ code: "custom", path: ["classes", name, "store"], message });
    }
  });

/** Buckets of other servers that this one replicates to. */
const replicationTarget = z.strictObject({
  /** `*` in it stands for any run of characters. */
  bucketArn: z.string().regex(/^arn:aws[\w-]*:s3:::[a-z0-9*._-]{1,63}$/),
  endpoint: z.url({ protocol: /^https?$/ }),
  region: z.string().default("us-east-1"),
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  kind: z.enum(["holdfast", "s3"]).default("s3"),
  bucketName: z.string().optional(),
});

/** What stands at the top belongs to the root account. */
const schema = z.strictObject({
  accounts: z.array(account).optional(),
  storage: storage.optional(),
  replication: z.strictObject({ targets: z.array(replicationTarget).optional() }).optional(),
  /** Where notifications go, by the ARNs that buckets' configurations name. */
  notifications: notificationDestinations.optional(),
  ...holdings,
});

export type ProvisioningDocument = z.output<typeof schema>;
/** As people write it. */
export type ProvisioningInput = z.input<typeof schema>;
export type ProvisionedAccount = z.output<typeof account>;
export type ProvisionedBucket = z.output<typeof bucket>;
export type ProvisionedUser = NonNullable<ProvisionedAccount["users"]>[number];
export type ProvisionedRole = NonNullable<ProvisionedAccount["roles"]>[number];
export type ProvisionedGroup = NonNullable<ProvisionedAccount["groups"]>[number];
export type ProvisionedPolicy = NonNullable<ProvisionedAccount["policies"]>[number];
export type ProvisionedReplicationTarget = z.output<typeof replicationTarget>;
export type ProvisionedKey = z.output<typeof accessKey>;
/** What the root account and every other can hold. */
export type Holdings = Pick<
  ProvisionedAccount,
  "policies" | "groups" | "users" | "roles" | "oidcProviders" | "quota" | "buckets"
>;

/** Throws ProvisioningError that names every place where something is wrong. */
export function parseProvisioning(value: unknown): ProvisioningDocument {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? "the document" : path.join(".")}: ${message}`,
  );
  throw new ProvisioningError(problems.join("; "));
}
