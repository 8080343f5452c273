// Brings annotations of a version to its replica on another server.
//
// A server that does not know annotations may take the request for one of the object itself: it is asked
// first, in words that such a server answers with a part of the object, and gets none.

import { annotationsToBring } from "../../objects/annotation-changes.ts";
import type { NamedAnnotation } from "../../objects/annotations.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { AnnotationRecord } from "../../objects/records/annotation-record.ts";
import { isDeleteMarker } from "../../objects/records/object-record.ts";
import { replicaChange } from "../../objects/replica.ts";
import type { RemoteAnswer, RemoteRequest } from "../../remote/s3-client.ts";
import { elementText } from "../../remote/s3-client.ts";
import type { ReplicaWork } from "./destination.ts";
import { checkAnswer, etagOf, isAway } from "./remote-answers.ts";
import { checksumHeader, isPlainEtag, replicaHeader } from "./replica-headers.ts";
import { readsAnnotations } from "./replication-role.ts";

export interface RemoteAnnotationsOptions {
  readonly work: ReplicaWork;
  /** What the destination calls the replica. */
  readonly versionId: string;
  readonly store: ObjectStore;
  readonly isHoldfast: boolean;
  readonly send: (request: Omit<RemoteRequest, "bucketName" | "key">) => Promise<RemoteAnswer>;
}

interface RemoteAnnotation {
  readonly name: string;
  readonly sizeBytes: number;
  readonly etag: string;
}

/** An answer with as many of the longest names stays below what is read of one. */
const pageAnnotations = 250;

/** Throws ReplicationRefusedError, DestinationAwayError. */
export async function replicateAnnotationsTo(options: RemoteAnnotationsOptions): Promise<void> {
  const { work, store } = options;
  const { bucket, key, record } = work.source;
  if (!(await readsAnnotations(work.role, work.source, work.annotations))) return;
  const there = await listRemote(options);
  if (there === undefined) return;
  const now = await store.versions.findAny(bucket, key, record.versionId);
  if (now === undefined || isDeleteMarker(now)) return;
  const all = await store.annotations.listAll({ bucket: bucket.id, key, record: now });
  const { written, removed } = annotationsToBring(work.annotations, all);
  const present = new Map(there.map((each) => [each.name, each]));
  for (const { name, record: annotation } of written) {
    const known = present.get(name);
    if (known !== undefined && (await isSame(annotation, known, options))) continue;
    await putRemote({ name, record: annotation }, options);
  }
  for (const name of removed) if (present.has(name)) await deleteRemote(name, options);
}

/** `undefined`: the server knows no annotations, or does not show them. */
async function listRemote({
  send,
  versionId,
}: RemoteAnnotationsOptions): Promise<readonly RemoteAnnotation[] | undefined> {
  const found: RemoteAnnotation[] = [];
  let token: string | undefined;
  do {
    const query = [
      ["annotation", ""],
      ["versionId", versionId],
      ["max-annotation-results", String(pageAnnotations)],
      ...(token === undefined ? [] : ([["continuation-token", token]] as const)),
    ] as const;
    const answer = await send({ method: "GET", query, headers: { range: "bytes=0-0" } });
    const { status, body } = answer;
    if (isAway(answer)) checkAnswer(answer, "DstPutObjectNotPermitted");
    if (status !== 200 || !body.includes("<ListObjectAnnotationsResult")) return undefined;
    for (const [, entry = ""] of body.matchAll(/<AnnotationEntry>(.*?)<\/AnnotationEntry>/gs)) {
      found.push({
        name: elementText(entry, "AnnotationName") ?? "",
        sizeBytes: Number(elementText(entry, "Size")),
        etag: (elementText(entry, "ETag") ?? "").replaceAll('"', ""),
      });
    }
    token = elementText(body, "NextContinuationToken");
  } while (token !== undefined);
  return found;
}

/** By the ETag where it is an MD5 on both sides, or else by the checksum that comes with the text. */
async function isSame(
  { etag, sizeBytes, checksum }: AnnotationRecord,
  known: RemoteAnnotation,
  options: RemoteAnnotationsOptions,
): Promise<boolean> {
  if (known.sizeBytes !== sizeBytes) return false;
  const isMd5 = isPlainEtag(options.work.source.record);
  if (isMd5 && known.etag === etag) return true;
  const query = queryOf(known.name, options);
  const headers = { "x-amz-checksum-mode": "ENABLED" };
  const answer = await options.send({ method: "GET", query, headers });
  if (answer.status !== 200) return false;
  const there = answer.headers[checksumHeader(checksum.algorithm)];
  return there === checksum.value || (isMd5 && etagOf(answer) === etag);
}

async function putRemote(
  { name, record }: NamedAnnotation,
  options: RemoteAnnotationsOptions,
): Promise<void> {
  const { source, role, signal } = options.work;
  const stream = await role.openAnnotation(source, record, signal);
  const { algorithm, value } = record.checksum;
  const answer = await options.send({
    method: "PUT",
    query: queryOf(name, options),
    headers: {
      ...replicaHeaders(options),
      [checksumHeader(algorithm)]: value,
    },
    body: { lengthBytes: record.sizeBytes, stream },
  });
  checkAnswer(answer, "DstPutObjectNotPermitted");
}

async function deleteRemote(name: string, options: RemoteAnnotationsOptions): Promise<void> {
  const isLocked = options.work.source.record.lock !== undefined;
  const answer = await options.send({
    method: "DELETE",
    query: queryOf(name, options),
    headers: {
      ...replicaHeaders(options),
      ...(isLocked ? { "x-amz-bypass-governance-retention": "true" } : {}),
    },
  });
  checkAnswer(answer, "DstPutObjectNotPermitted");
}

function queryOf(name: string, { versionId }: RemoteAnnotationsOptions) {
  return [
    ["annotation", ""],
    ["annotationName", name],
    ["versionId", versionId],
  ] as const;
}

function replicaHeaders({ isHoldfast }: RemoteAnnotationsOptions): Record<string, string> {
  return isHoldfast ? { [replicaHeader]: replicaChange } : {};
}
