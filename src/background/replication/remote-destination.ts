// A destination bucket on another server. A Holdfast keeps version ids, times and the mark of a replica;
// for any other server it is looked up what is there before anything is written, because a write whose
// answer was lost must not be made twice.

import { createHash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { nullVersionId } from "../../objects/identifiers.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import { isDeleteMarker, type ObjectRecord } from "../../objects/records/object-record.ts";
import { formatReplicaIdentity, replicaChange, replicaIdentityOf } from "../../objects/replica.ts";
import type { ReplicationTarget } from "../../objects/replication-targets.ts";
import type { RemoteAnswer, RemoteRequest, RemoteS3Client } from "../../remote/s3-client.ts";
import { RemoteUnreachableError } from "../../remote/s3-client.ts";
import type { MarkerWork, ReplicaDestination, ReplicaWork } from "./destination.ts";
import { DestinationAwayError, ReplicationRefusedError, type FailureReason } from "./failure.ts";
import { replicateAnnotationsTo } from "./remote-annotations.ts";
import { checkAnswer, etagOf } from "./remote-answers.ts";
import { RemoteUpload } from "./remote-upload.ts";
import {
  cannedAclOf,
  checksumHeader,
  headersOf,
  isPlainEtag,
  legalHoldDocument,
  replicaHeader,
  retentionDocument,
  taggingDocument,
} from "./replica-headers.ts";
import { readPermissions } from "./replication-role.ts";

/** How far back a foreign version is looked for among those of its key. */
const historyVersions = 1000;

type Query = RemoteRequest["query"];

export class RemoteDestination implements ReplicaDestination {
  readonly #client: RemoteS3Client;
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #bucketName: string;
  readonly #bucketArn: string;
  readonly #isHoldfast: boolean;

  constructor(options: {
    readonly client: RemoteS3Client;
    readonly target: Pick<ReplicationTarget, "kind">;
    /** What the bucket is called there. */
    readonly bucketName: string;
    readonly bucketArn: string;
    readonly store: ObjectStore;
  }) {
    this.#client = options.client;
    this.#store = options.store;
    this.#clock = options.store.clock;
    this.#bucketName = options.bucketName;
    this.#bucketArn = options.bucketArn;
    this.#isHoldfast = options.target.kind === "holdfast";
  }

  async find(work: ReplicaWork, known: string | undefined): Promise<string | undefined> {
    const { record } = work.source;
    const keepsId = this.#isHoldfast && record.versionId !== nullVersionId;
    const name = known ?? (keepsId ? record.versionId : undefined);
    if (name === undefined) return this.#findForeign(work);
    // Nobody has touched it since it was made: a Holdfast that has it already makes nothing of it.
    const isNew = known === undefined && record.changeSequence === undefined;
    if (isNew && record.replication?.isReplica !== true) return undefined;
    const answer = await this.#head(work, [["versionId", name]]);
    // Who may write need not be one who may read; and what the change says to the id is clearer.
    if (answer === "denied" || answer === "unclear") return known;
    if (answer !== "missing") return name;
    if (known !== undefined) await this.#checkBucket(work.signal);
    return undefined;
  }

  async put(work: ReplicaWork): Promise<string> {
    const { source, rule, role } = work;
    const { key, record } = source;
    if (record.encryption?.kind === "SSE-C") {
      throw new ReplicationRefusedError(
        "SrcObjectNotEligible",
        "objects under a customer's key go to buckets of the same server alone",
      );
    }
    const { keepsTags } = await readPermissions(role, source);
    const nowMilliseconds = this.#clock.now();
    const identity = formatReplicaIdentity(replicaIdentityOf(record));
    const upload = new RemoteUpload({
      client: this.#client,
      place: { bucketName: this.#bucketName, key },
      work,
      headers: {
        ...headersOf(record, rule, { keepsTags, nowMilliseconds }),
        ...(this.#isHoldfast ? { [replicaHeader]: identity } : {}),
      },
    });
    const parts = await this.#partsOf(record);
    const answer = await unreachableAsAway(() => upload.send(parts));
    const versionId = answer.headers["x-amz-version-id"];
    const isKept = record.versionId === nullVersionId || versionId === record.versionId;
    if (this.#isHoldfast && !isKept) {
      throw new ReplicationRefusedError(
        versionId === undefined ? "DstBucketUnversioned" : "DstRefused",
        "the destination did not keep the version id; is it a Holdfast?",
      );
    }
    const name = versionId ?? nullVersionId;
    if (record.acl !== undefined) await this.#putAcl(work, name);
    await this.#replicateAnnotations(work, name);
    return name;
  }

  async update(work: ReplicaWork, versionId: string): Promise<void> {
    const { source, role } = work;
    const { attributes, lock } = source.record;
    const { keepsTags } = await readPermissions(role, source);
    const version = ["versionId", versionId] as const;
    const { tags = [] } = attributes;
    if (keepsTags) {
      const query = [["tagging", ""], version] as const;
      const request =
        tags.length === 0
          ? ({ method: "DELETE", query } as const)
          : ({ method: "PUT", query, body: taggingDocument(tags) } as const);
      await this.#change(work, request, "DstPutTaggingNotPermitted");
    }
    const { retention, legalHold } = lock ?? {};
    if (retention !== undefined && retention.untilMilliseconds > this.#clock.now()) {
      const body = retentionDocument(retention.mode, retention.untilMilliseconds);
      const query = [["retention", ""], version] as const;
      const headers = { "x-amz-bypass-governance-retention": "true" };
      await this.#change(work, { method: "PUT", query, body, headers });
    }
    if (legalHold !== undefined) {
      const query = [["legal-hold", ""], version] as const;
      await this.#change(work, { method: "PUT", query, body: legalHoldDocument(legalHold) });
    }
    await this.#putAcl(work, versionId);
    await this.#replicateAnnotations(work, versionId);
  }

  async putMarker({ bucket, key, marker, signal }: MarkerWork): Promise<void> {
    const place = { bucketName: this.#bucketName, key };
    const work = { source: { bucket, key }, signal };
    // Hidden already, by an attempt whose answer was lost.
    if (!this.#isHoldfast && (await this.#head(work, [])) === "missing") {
      return this.#checkBucket(signal);
    }
    const headers = this.#isHoldfast
      ? { [replicaHeader]: formatReplicaIdentity(replicaIdentityOf(marker)) }
      : {};
    const answer = await this.#send({ ...place, method: "DELETE", headers }, signal);
    checkAnswer(answer, "DstDelObjNotPermitted");
  }

  /**
   * The current version there, if it is the replica: it has the source's bytes, and is not what an
   * earlier version of the key has become.
   */
  async #findForeign(work: ReplicaWork): Promise<string | undefined> {
    const { bucket, key, record } = work.source;
    const answer = await this.#head(work, []);
    if (typeof answer !== "object" || !hasBytesOf(record, answer)) return undefined;
    const versionId = answer.headers["x-amz-version-id"] ?? nullVersionId;
    const history = await this.#store.versions.history(bucket, key, historyVersions);
    const isTaken = history.some(
      (each) =>
        !isDeleteMarker(each) &&
        each.replication?.destinations?.[this.#bucketArn]?.versionId === versionId,
    );
    // Without versions every replica is the null one: writing the same bytes again changes nothing.
    return isTaken && versionId !== nullVersionId ? undefined : versionId;
  }

  /** `missing`: there is no such object, or a delete marker. `unclear`: the request was not understood. */
  async #head(
    { source, signal }: { readonly source: { readonly key: string }; readonly signal: AbortSignal },
    query: Query,
  ): Promise<RemoteAnswer | "missing" | "denied" | "unclear"> {
    const place = { bucketName: this.#bucketName, key: source.key };
    const headers = { "x-amz-checksum-mode": "ENABLED" };
    const request = { ...place, method: "HEAD", query: query ?? [], headers } as const;
    const answer = await this.#send(request, signal);
    // Answers to HEAD have no code that would tell more, of a missing bucket for example: those to the write
    // that follows have.
    if (answer.status === 404 || answer.status === 405) return "missing";
    if (answer.status === 403) return "denied";
    // Other servers have other version ids; and the region may be a wrong one.
    if (answer.status === 400) return "unclear";
    return checkAnswer(answer, "DstPutObjectNotPermitted");
  }

  /** Where nothing is written that would tell. Throws ReplicationRefusedError. */
  async #checkBucket(signal: AbortSignal): Promise<void> {
    const request = { bucketName: this.#bucketName, method: "HEAD" } as const;
    const { status } = await this.#send(request, signal);
    if (status === 404) throw new ReplicationRefusedError("DstBucketNotFound");
  }

  async #change(
    { source, signal }: ReplicaWork,
    request: Omit<RemoteRequest, "bucketName" | "key">,
    denied: FailureReason = "DstPutObjectNotPermitted",
  ): Promise<void> {
    const place = { bucketName: this.#bucketName, key: source.key };
    const headers = {
      ...request.headers,
      ...(this.#isHoldfast ? { [replicaHeader]: replicaChange } : {}),
      ...md5Of(request.body),
    };
    checkAnswer(await this.#send({ ...place, ...request, headers }, signal), denied);
  }

  /** Lists are for those who know them: a server without them need not take one. */
  async #putAcl(work: ReplicaWork, versionId: string): Promise<void> {
    const { bucket, record } = work.source;
    const canned = cannedAclOf(record, bucket.ownerId);
    if (canned === undefined) return;
    const query = [
      ["acl", ""],
      ["versionId", versionId],
    ] as const;
    const headers = { "x-amz-acl": canned };
    try {
      await this.#change(work, { method: "PUT", query, headers }, "DstPutAclNotPermitted");
    } catch (error) {
      if (!(error instanceof ReplicationRefusedError)) throw error;
      // Where lists cannot be written, what is private is so without one.
      if (canned === "private" && error.reason === "DstPutAclNotPermitted") return;
      if (!/AccessControlListNotSupported|NotImplemented|501/.test(error.message)) throw error;
    }
  }

  #replicateAnnotations(work: ReplicaWork, versionId: string): Promise<void> {
    const place = { bucketName: this.#bucketName, key: work.source.key };
    return replicateAnnotationsTo({
      work,
      versionId,
      store: this.#store,
      isHoldfast: this.#isHoldfast,
      send: (request) => this.#send({ ...place, ...request }, work.signal),
    });
  }

  async #partsOf({ content }: ObjectRecord) {
    if (!("layout" in content)) return undefined;
    return (await this.#store.contents.layouts.get(content.layout)).parts;
  }

  #send(request: RemoteRequest, signal: AbortSignal): Promise<RemoteAnswer> {
    return unreachableAsAway(() => this.#client.send(request, signal));
  }
}

/** By the ETag where it is an MD5, or else by the checksum that both servers know. */
function hasBytesOf({ etag, sizeBytes, encryption, checksum }: ObjectRecord, answer: RemoteAnswer) {
  const { headers } = answer;
  if (headers["content-length"] !== String(sizeBytes)) return false;
  if (isPlainEtag({ encryption }) && etagOf(answer) === etag) return true;
  return (
    checksum?.type === "FULL_OBJECT" &&
    headers[checksumHeader(checksum.algorithm)] === checksum.value
  );
}

async function unreachableAsAway<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RemoteUnreachableError)) throw error;
    throw new DestinationAwayError(error.message, { cause: error });
  }
}

/** Documents about locks must have a checksum. */
function md5Of(body: RemoteRequest["body"]): Readonly<Record<string, string>> {
  if (typeof body !== "string") return {};
  return { "content-md5": createHash("md5").update(body).digest("base64") };
}
