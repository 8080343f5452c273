// What an operation is: a function from typed input to typed output. It never sees sockets, headers,
// XML or signatures; what it needs of the server comes in through the context.

import type { Clock } from "../base/clock.ts";
import type { AccountDirectory } from "../access/accounts.ts";
import type { Caller } from "../access/caller.ts";
import type { MfaVerifier } from "../access/mfa-verifier.ts";
import type { RequestAccess } from "../access/request-access.ts";
import type { CredentialLookup } from "../access/signed-request.ts";
import type { RequestPayload } from "../body/request-payload.ts";
import type { DataKeys } from "../keys/data-keys.ts";
import type { PublicAccessBlock } from "../model/access-control-list.ts";
import type { PutObjectInput } from "../model/types.generated.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { ChangeCause, ChangeEvent } from "../objects/records/change-record.ts";
import type { Versions } from "../objects/versions.ts";
import type { ObjectOwnership } from "../objects/records/bucket-record.ts";
import type { RequestNotes } from "./request-notes.ts";

export interface OperationContext {
  readonly requestId: string;
  readonly caller: Caller;
  /** What is told of this request to who wants to know of the change that it makes. */
  readonly cause: (event: ChangeEvent) => ChangeCause;
  /** What the caller may do beside what let it in. */
  readonly access: RequestAccess;
  /** Looks objects up; the one that the request reads has been found already, when it was judged. */
  readonly objects: Pick<Versions, "find">;
  /** The same for a caller who was found in a form's fields. */
  readonly accessFor: (
    caller: Caller,
    signatureVersion: "v2" | "v4" | undefined,
    upload: PutObjectInput,
  ) => RequestAccess;
  /** The upload that a form's fields ask for. Throws S3Error. */
  readonly decodeForm: (form: FormUpload) => Promise<PutObjectInput>;
  /** For the signature inside a form: all others have been verified before. */
  readonly credentials: CredentialLookup;
  readonly accounts: AccountDirectory;
  readonly clock: Clock;
  /** The region that this server says it is, for example `us-east-1`. */
  readonly region: string;
  readonly encryption: RequestEncryption;
  readonly mfa: RequestMfa;
  readonly notifications: NotificationChecks;
  /** What a new bucket has that its request does not speak of. */
  readonly bucketDefaults: BucketDefaults;
  /** The rules about buckets, objects and uploads: everything below the operations. */
  readonly store: ObjectStore;
  /** The request's body; only operations with a streaming input member read it. */
  readonly payload: RequestPayload;
  /** Absolute URL of the bucket or object as the client addressed it, without query: Location answers. */
  readonly resourceUrl: string;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** For the record of the request. */
  readonly notes: RequestNotes;
}

export interface FormUpload {
  /** By lower-case name. */
  readonly fields: ReadonlyMap<string, string>;
  readonly key: string;
}

/** What encryption asks of a request beside its input. */
export interface RequestEncryption {
  /** Whether the connection may carry a customer's key. */
  readonly isSafe: boolean;
  readonly signatureVersion: "v2" | "v4" | undefined;
  /** `undefined`: there is no key management. */
  readonly dataKeys: DataKeys | undefined;
  /** Whether new buckets take objects with customers' keys. */
  readonly allowsCustomerKeys: boolean;
}

/** What MFA delete asks of a request beside its input. */
export interface RequestMfa {
  /** Whether the connection may carry a code: TLS, or from this very machine. */
  readonly isSafe: boolean;
  /** `undefined`: there are no devices, and no code is good. */
  readonly verifier: MfaVerifier | undefined;
}

/** What PutBucketNotificationConfiguration asks of the destinations that it names. */
export interface NotificationChecks {
  /** Whether a destination is declared for the ARN and, with a test, takes that message. */
  readonly check: (
    arn: string,
    test: NotificationTest | undefined,
  ) => Promise<"ready" | "missing" | "failing">;
}

/** What the message that S3 sends to a new destination tells. */
export interface NotificationTest {
  readonly bucketName: string;
  readonly requestId: string;
  readonly hostId: string;
  readonly timeMilliseconds: number;
}

export interface BucketDefaults {
  readonly objectOwnership: ObjectOwnership;
  readonly publicAccessBlock?: PublicAccessBlock | undefined;
}

export type Operation<Input, Output> = (
  input: Input,
  context: OperationContext,
) => Promise<Output | Reply<Output> | SlowReply<Output>>;

/**
 * An output with what the tables cannot know: a status other than the operation's own (206, 304), or
 * work that ends after the response has begun.
 */
export class Reply<Output> {
  readonly output: Output;
  readonly status: number | undefined;

  constructor(output: Output, status?: number) {
    this.output = output;
    this.status = status;
  }
}

/**
 * An operation may hand back a promise of its output together with this mark when the work can last
 * long (CompleteMultipartUpload, CopyObject): the pipeline then answers 200 after a while, keeps the
 * connection alive with white space, and puts a late error into the body, as S3 does.
 */
export class SlowReply<Output> {
  readonly result: Promise<Output>;

  constructor(result: Promise<Output>) {
    this.result = result;
  }
}
