// Holdfast's own administration as data: what AWS has no API for. Each action with its members, how they
// are checked and what they mean; the server, the command line and the documentation read this one table.

import { z } from "zod";
import { destinationArn } from "./notification-destinations.ts";

const accountId = z
  .string()
  .regex(/^\d{12}$/, "must have twelve digits")
  .describe("Id of the account; default: your own.");
const requiredAccountId = accountId.describe("Id of the account.");
const bucket = z.string().min(1).max(255).describe("Name of the bucket.");
const targetArn = z
  .string()
  .regex(/^arn:aws[\w-]*:s3:::[a-z0-9*._-]{1,63}$/, "must be the ARN of a bucket, or a pattern");
const configurationId = z.string().min(1).max(64).describe("Id of the configuration.");
const accessKeyId = z.string().min(3).max(128);
const userName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\w+=,.@-]+$/, "must contain letters, digits and +=,.@_- only");
const time = z.iso.datetime({ offset: true });
/** The command line reads such a member from a file. */
const policy = z.string().min(1).max(131_072).meta({ document: true });

const page = {
  MaxItems: z.int().min(1).max(1000).optional().describe("How many at most; default 100."),
  NextToken: z.string().min(1).max(2048).optional().describe("As the page before ended with."),
};

/** The unit lets the command line take `10GiB`. */
const limits = {
  Bytes: z
    .int()
    .min(0)
    .optional()
    .meta({ unit: "bytes" })
    .describe("Bytes of all versions and of parts of uploads in progress; absent: no limit."),
  Objects: z.int().min(0).optional().describe("How many versions; absent: no limit."),
};

const accountName = z.string().min(1).max(128);
const email = z.string().max(254);

const serviceAccountFacts = {
  Name: z.string().min(1).max(128).optional().describe("A name to know it by."),
  Description: z.string().max(1000).optional().describe("What it is for."),
  ExpiresAt: time.optional().describe("When it stops to work, as 2030-01-31T12:00:00Z."),
};

const context = {
  SourceIp: z
    .union([z.ipv4(), z.ipv6()])
    .optional()
    .describe("Address that the request comes from; default 127.0.0.1."),
  SecureTransport: z
    .boolean()
    .optional()
    .describe("Whether it comes through TLS; default: it does."),
  MfaAuthenticated: z
    .boolean()
    .optional()
    .describe("Whether the session was asked for with a second factor."),
  CurrentTime: time.optional().describe("When the request comes; default: now."),
  Headers: z
    .record(z.string().regex(/^[!#$%&'*+.^_`|~\w-]{1,128}$/), z.string().max(8192))
    .optional()
    .describe("Headers of the request, such as user-agent or x-amz-acl."),
  Query: z
    .record(z.string().min(1).max(128), z.string().max(8192))
    .optional()
    .describe("Parameters of its query, such as prefix."),
  RequestTags: z
    .record(z.string().min(1).max(128), z.string().max(256))
    .optional()
    .describe("Tags that it gives to what it makes."),
};

const namedArn = destinationArn.describe("ARN that the bucket's configuration names.");
const eventLimit = z.int().min(1).optional().describe("How many at most; default all.");

const sessionSubject = {
  AccountId: accountId.optional(),
  UserName: userName.optional().describe("All sessions of this user."),
  RoleName: userName.optional().describe("All sessions of this role."),
  Root: z.boolean().optional().describe("All sessions of the account's root."),
  SessionAccessKeyId: z
    .string()
    .regex(/^ASIA[A-Z2-7]{16}$/, "must be the key of a session: ASIA and 16 characters")
    .optional()
    .describe("One session, by its temporary access key."),
};

export const managementActions = {
  CreateAccount: {
    summary: "Makes an account, which owns buckets and has users of its own.",
    input: z.strictObject({
      Name: accountName.describe("Shown as the owner's name."),
      Email: email.min(3).optional().describe("Where grants may name it by."),
      AccountId: accountId.optional().describe("Twelve digits; default: random ones."),
      CanonicalId: z
        .string()
        .regex(/^[0-9a-f]{64}$/, "must have 64 lower-case hexadecimal digits")
        .optional()
        .describe("The id that owners and grants show; default: random."),
    }),
  },
  ListAccounts: { summary: "Lists all accounts.", input: z.strictObject({ ...page }) },
  GetAccount: {
    summary: "Shows an account.",
    input: z.strictObject({ AccountId: accountId.optional() }),
  },
  UpdateAccount: {
    summary: "Changes the name or the e-mail address of an account.",
    input: z.strictObject({
      AccountId: requiredAccountId,
      Name: accountName.optional().describe("The new name."),
      Email: email.optional().describe("The new e-mail address; an empty one takes it away."),
    }),
  },
  DeleteAccount: {
    summary: "Deletes an account that owns no buckets, keys or identities any more.",
    input: z.strictObject({ AccountId: requiredAccountId }),
  },
  ListBucketsOfAccount: {
    summary: "Lists the buckets that an account owns, with what they hold.",
    input: z.strictObject({
      AccountId: accountId.optional(),
      Prefix: z.string().max(63).optional().describe("What the names begin with."),
      ...page,
    }),
  },
  CreateRootAccessKey: {
    summary: "Makes an access key for the root of an account; its secret is shown this once.",
    input: z.strictObject({ AccountId: requiredAccountId }),
  },
  ListRootAccessKeys: {
    summary: "Lists the access keys of an account's root.",
    input: z.strictObject({ AccountId: requiredAccountId, ...page }),
  },
  DeleteRootAccessKey: {
    summary: "Deletes an access key of an account's root.",
    input: z.strictObject({
      AccountId: requiredAccountId,
      AccessKeyId: accessKeyId.describe("Which one."),
    }),
  },
  CreateServiceAccount: {
    summary: "Makes a service account: an access key that may do no more than its policy allows.",
    input: z.strictObject({
      UserName: userName.optional().describe("Whose it is; default: your own."),
      ...serviceAccountFacts,
      Policy: policy
        .optional()
        .describe("Policy document that narrows it; absent: it may do what its owner may."),
    }),
  },
  ListServiceAccounts: {
    summary: "Lists the service accounts of a user, or of the account's root.",
    input: z.strictObject({
      UserName: userName.optional().describe("Whose; default: your own."),
      ...page,
    }),
  },
  UpdateServiceAccount: {
    summary: "Changes a service account; what is not named stays as it is.",
    input: z.strictObject({
      AccessKeyId: accessKeyId.describe("Which one."),
      Status: z.enum(["Active", "Inactive"]).optional().describe("Whether it works."),
      ...serviceAccountFacts,
      Policy: policy.optional().describe("The new policy document."),
      RemovePolicy: z.boolean().optional().describe("Lets it do all that its owner may."),
      RemoveExpiry: z.boolean().optional().describe("Lets it work without end."),
    }),
  },
  DeleteServiceAccount: {
    summary: "Deletes a service account.",
    input: z.strictObject({ AccessKeyId: accessKeyId.describe("Which one.") }),
  },
  RevokeSessions: {
    summary: "Ends temporary credentials: all of a user, a role or a root, or one session.",
    input: z.strictObject(sessionSubject),
  },
  GetBucketQuota: {
    summary: "Shows the quota of a bucket and how much of it is used.",
    input: z.strictObject({ Bucket: bucket }),
  },
  SetBucketQuota: {
    summary: "Sets the quota of a bucket, or takes it away when no limit is named.",
    input: z.strictObject({ Bucket: bucket, ...limits }),
  },
  GetAccountQuota: {
    summary: "Shows the quota of an account and how much of it is used.",
    input: z.strictObject({ AccountId: accountId.optional() }),
  },
  SetAccountQuota: {
    summary: "Sets the quota of an account, or takes it away when no limit is named.",
    input: z.strictObject({ AccountId: requiredAccountId, ...limits }),
  },
  GetUsage: {
    summary: "Counts what a bucket, or all buckets of an account, hold.",
    input: z.strictObject({
      Bucket: bucket.optional().describe("Name of the bucket; absent: an account's buckets."),
      AccountId: accountId.optional(),
    }),
  },
  GetLifecycleReport: {
    summary: "Shows what the lifecycle rules of a bucket did last, rule by rule.",
    input: z.strictObject({ Bucket: bucket }),
  },
  RunInventory: {
    summary: "Writes a report of a bucket's inventory now, whatever its schedule says.",
    input: z.strictObject({ Bucket: bucket, Id: configurationId }),
  },
  GetInventoryReport: {
    summary: "Shows how the last report of a bucket's inventory ended.",
    input: z.strictObject({ Bucket: bucket, Id: configurationId }),
  },
  ListWorkers: {
    command: "workers",
    summary: "Lists the background workers: what each does, did last, and has to do.",
    input: z.strictObject({}),
  },
  RunWorker: {
    summary: "Runs a background worker now, wherever it runs, and shows what it did.",
    input: z.strictObject({ Name: z.string().min(1).max(64).describe("Name of the worker.") }),
  },
  PutReplicationTarget: {
    summary: "Makes known on which server a destination of replications is.",
    input: z.strictObject({
      BucketArn: targetArn.describe("ARN of the destination's bucket; * in it fits anything."),
      Url: z.url({ protocol: /^https?$/ }).describe("URL of the other server."),
      UrlRegion: z.string().min(1).max(64).optional().describe("Its region; default us-east-1."),
      AccessKeyId: accessKeyId.describe("Access key there."),
      SecretAccessKey: z
        .string()
        .min(1)
        .max(1024)
        .meta({ document: true })
        .describe("Its secret, which is kept sealed and never shown."),
      Kind: z
        .enum(["holdfast", "s3"])
        .optional()
        .describe("A Holdfast keeps version ids; default: any S3 endpoint."),
      BucketName: bucket.optional().describe("What the bucket is called there."),
    }),
  },
  ListReplicationTargets: {
    summary: "Lists the destinations of replications that are on other servers.",
    input: z.strictObject({}),
  },
  DeleteReplicationTarget: {
    summary: "Forgets a destination that is on another server.",
    input: z.strictObject({ BucketArn: targetArn.describe("As it was put.") }),
  },
  GetReplicationBacklog: {
    summary: "Shows what of a bucket waits for replication, by destination.",
    input: z.strictObject({ Bucket: bucket }),
  },
  StartReplicationResync: {
    summary: "Sends what existed before a bucket's rules, or was refused, to their destinations.",
    input: z.strictObject({
      Bucket: bucket,
      Destination: z
        .string()
        .min(1)
        .max(2048)
        .optional()
        .describe("Name or ARN of the destination's bucket; absent: all of them."),
      Scope: z
        .enum(["Missing", "All"])
        .optional()
        .describe("What never arrived, or everything once more; default Missing."),
    }),
  },
  GetReplicationResync: {
    summary: "Shows how far the resyncs of a bucket have come.",
    input: z.strictObject({ Bucket: bucket }),
  },
  PutNotificationDestination: {
    summary: "Makes known where notifications for an ARN go.",
    input: z.strictObject({
      Arn: destinationArn.describe(
        "ARN of a topic, queue, function or event bus; * in it fits anything.",
      ),
      Settings: policy.describe("Its settings as JSON, as a configuration file has them."),
    }),
  },
  ListNotificationDestinations: {
    summary: "Lists where notifications go, what waits for it, and why it fails if it does.",
    input: z.strictObject({}),
  },
  DeleteNotificationDestination: {
    summary: "Forgets where notifications for an ARN go.",
    input: z.strictObject({ Arn: destinationArn.describe("As it was put.") }),
  },
  DeleteWaitingNotifications: {
    summary: "Forgets notifications that wait for a destination, the oldest first.",
    input: z.strictObject({ Arn: namedArn, Limit: eventLimit }),
  },
  ListDeadLetters: {
    summary: "Lists notifications that a destination did not take for too long.",
    input: z.strictObject({ Arn: namedArn, ...page }),
  },
  ReplayDeadLetters: {
    summary: "Sends notifications that were given up once more, the oldest first.",
    input: z.strictObject({ Arn: namedArn, Limit: eventLimit }),
  },
  DeleteDeadLetters: {
    summary: "Forgets notifications that were given up, the oldest first.",
    input: z.strictObject({ Arn: namedArn, Limit: eventLimit }),
  },
  ExplainDecision: {
    command: "explain",
    summary: "Says whether somebody may do something, and why.",
    input: z.strictObject({
      Principal: z
        .string()
        .min(1)
        .max(2048)
        .describe("ARN of a root, user, role or session, an access key id, or anonymous."),
      Action: z
        .string()
        .regex(/^[a-z0-9-]{1,64}:[A-Za-z0-9]{1,128}$/, "must be like s3:GetObject")
        .describe("As policies name it: s3:GetObject."),
      Bucket: bucket.optional(),
      Key: z.string().min(1).max(1024).optional().describe("Key of the object."),
      VersionId: z.string().min(1).max(1024).optional().describe("Which version of it."),
      Resource: z
        .string()
        .min(1)
        .max(2048)
        .optional()
        .describe("ARN, for actions of other services than S3; default *."),
      SessionPolicy: policy.optional().describe("A session policy that narrows the principal."),
      ...context,
    }),
  },
} as const;

export type ManagementActionName = keyof typeof managementActions;

export type ManagementInput<Name extends ManagementActionName> = z.output<
  (typeof managementActions)[Name]["input"]
>;
