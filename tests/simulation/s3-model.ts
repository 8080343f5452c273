// What S3 does, written as naively as possible and without looking at the object layer: a bucket is a
// map of keys to lists of versions, newest first. The simulation compares the two after every request.

import { md5, multipartEtag } from "./object-client.ts";

/** Stands for an identifier that nobody was told, because the answer was lost. */
export const unknownId = "?";

export interface ModelVersion {
  versionId: string;
  readonly isDeleteMarker: boolean;
  /** Of the body, one character for each byte. */
  readonly body: string;
  readonly etag: string;
  readonly uploadId: string | undefined;
}

export interface ModelUpload {
  uploadId: string;
  readonly key: string;
  readonly parts: Map<number, string>;
}

export interface ModelBucket {
  versioning: "Unversioned" | "Enabled" | "Suspended";
  readonly keys: Map<string, ModelVersion[]>;
  readonly uploads: ModelUpload[];
}

export type Request =
  | { readonly kind: "createBucket"; readonly bucket: string }
  | { readonly kind: "deleteBucket"; readonly bucket: string }
  | {
      readonly kind: "setVersioning";
      readonly bucket: string;
      readonly versioning: "Enabled" | "Suspended";
    }
  | {
      readonly kind: "put";
      readonly bucket: string;
      readonly key: string;
      readonly body: string;
      readonly ifMatch?: string;
      readonly ifNoneMatch?: string;
    }
  | {
      readonly kind: "copy";
      readonly bucket: string;
      readonly key: string;
      readonly source: {
        readonly bucket: string;
        readonly key: string;
        readonly versionId?: string;
      };
    }
  | {
      readonly kind: "delete";
      readonly bucket: string;
      readonly key: string;
      readonly versionId?: string;
      readonly ifMatch?: string;
    }
  | { readonly kind: "createUpload"; readonly bucket: string; readonly key: string }
  | {
      readonly kind: "putPart";
      readonly bucket: string;
      readonly key: string;
      readonly uploadId: string;
      readonly number: number;
      readonly body: string;
    }
  | {
      readonly kind: "copyPart";
      readonly bucket: string;
      readonly key: string;
      readonly uploadId: string;
      readonly number: number;
      readonly source: { readonly bucket: string; readonly key: string };
      readonly start: number;
      readonly end: number;
    }
  | {
      readonly kind: "complete";
      readonly bucket: string;
      readonly key: string;
      readonly uploadId: string;
      readonly numbers: readonly number[];
      readonly ifNoneMatch?: string;
    }
  | {
      readonly kind: "abort";
      readonly bucket: string;
      readonly key: string;
      readonly uploadId: string;
    };

export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export class S3Model {
  buckets = new Map<string, ModelBucket>();

  clone(): S3Model {
    const copy = new S3Model();
    copy.buckets = structuredClone(this.buckets);
    return copy;
  }

  /** Throws ModelError with S3's code. `newId`: the identifier that the request was answered with. */
  apply(request: Request, newId: string): void {
    switch (request.kind) {
      case "createBucket":
        if (this.buckets.has(request.bucket)) throw new ModelError("BucketAlreadyOwnedByYou");
        this.buckets.set(request.bucket, {
          versioning: "Unversioned",
          keys: new Map(),
          uploads: [],
        });
        return;
      case "deleteBucket": {
        const bucket = this.bucket(request.bucket);
        if (bucket.keys.size > 0) throw new ModelError("BucketNotEmpty");
        this.buckets.delete(request.bucket);
        return;
      }
      case "setVersioning":
        this.bucket(request.bucket).versioning = request.versioning;
        return;
      case "put": {
        const { body, ifMatch, ifNoneMatch } = request;
        this.#judge(request, { ifMatch, ifNoneMatch });
        this.#add(request, newId, { body, etag: etagOf(body), uploadId: undefined });
        return;
      }
      case "copy": {
        const { body, etag } = this.#source(request.source);
        this.bucket(request.bucket);
        this.#add(request, newId, { body, etag, uploadId: undefined });
        return;
      }
      case "delete":
        this.#delete(request, newId);
        return;
      default:
        this.#applyToUpload(request, newId);
    }
  }

  bucket(name: string): ModelBucket {
    const bucket = this.buckets.get(name);
    if (bucket === undefined) throw new ModelError("NoSuchBucket");
    return bucket;
  }

  live(bucket: string, key: string): ModelVersion | undefined {
    const [newest] = this.bucket(bucket).keys.get(key) ?? [];
    return newest === undefined || newest.isDeleteMarker ? undefined : newest;
  }

  #applyToUpload(
    request: Extract<
      Request,
      { readonly kind: "createUpload" | "putPart" | "copyPart" | "complete" | "abort" }
    >,
    newId: string,
  ): void {
    const bucket = this.bucket(request.bucket);
    if (request.kind === "createUpload") {
      bucket.uploads.push({ uploadId: newId, key: request.key, parts: new Map() });
      return;
    }
    const upload = bucket.uploads.find(
      (each) => each.uploadId === request.uploadId && each.key === request.key,
    );
    if (request.kind === "complete") {
      this.#complete(request, upload, newId);
      return;
    }
    if (request.kind === "copyPart") {
      const { body } = this.#source(request.source);
      if (upload === undefined) throw new ModelError("NoSuchUpload");
      upload.parts.set(request.number, body.slice(request.start, request.end));
      return;
    }
    if (upload === undefined) throw new ModelError("NoSuchUpload");
    if (request.kind === "putPart") upload.parts.set(request.number, request.body);
    else bucket.uploads.splice(bucket.uploads.indexOf(upload), 1);
  }

  #complete(
    request: Extract<Request, { readonly kind: "complete" }>,
    upload: ModelUpload | undefined,
    newId: string,
  ): void {
    const { bucket, key, uploadId, numbers, ifNoneMatch } = request;
    if (upload === undefined) {
      if (this.live(bucket, key)?.uploadId === uploadId) return;
      throw new ModelError("NoSuchUpload");
    }
    this.#judge(request, { ifMatch: undefined, ifNoneMatch });
    const bodies = numbers.map((number) => {
      const body = upload.parts.get(number);
      if (body === undefined) throw new ModelError("InvalidPart");
      return body;
    });
    const { uploads } = this.bucket(bucket);
    uploads.splice(uploads.indexOf(upload), 1);
    const etag = multipartEtag(bodies.map((body) => etagOf(body)));
    this.#add(request, newId, { body: bodies.join(""), etag, uploadId });
  }

  #source(source: {
    readonly bucket: string;
    readonly key: string;
    readonly versionId?: string;
  }): ModelVersion {
    const versions = this.bucket(source.bucket).keys.get(source.key) ?? [];
    if (source.versionId === undefined) {
      const live = this.live(source.bucket, source.key);
      if (live === undefined) throw new ModelError("NoSuchKey");
      return live;
    }
    const version = versions.find((each) => each.versionId === source.versionId);
    if (version === undefined) throw new ModelError("NoSuchVersion");
    if (version.isDeleteMarker) throw new ModelError("MethodNotAllowed");
    return version;
  }

  #judge(
    place: { readonly bucket: string; readonly key: string },
    conditions: { readonly ifMatch: string | undefined; readonly ifNoneMatch: string | undefined },
  ): void {
    const live = this.live(place.bucket, place.key);
    if (conditions.ifNoneMatch !== undefined && live !== undefined) {
      throw new ModelError("PreconditionFailed");
    }
    if (conditions.ifMatch === undefined) return;
    if (live === undefined) throw new ModelError("NoSuchKey");
    if (live.etag !== conditions.ifMatch) throw new ModelError("PreconditionFailed");
  }

  #add(
    place: { readonly bucket: string; readonly key: string },
    newId: string,
    what: Pick<ModelVersion, "body" | "etag" | "uploadId"> | "marker",
  ): void {
    const { versioning, keys } = this.bucket(place.bucket);
    const isNull = versioning !== "Enabled";
    const older = (keys.get(place.key) ?? []).filter(
      (each) => !isNull || each.versionId !== "null",
    );
    const isDeleteMarker = what === "marker";
    const version = isDeleteMarker ? { body: "", etag: "", uploadId: undefined } : what;
    const versionId = isNull ? "null" : newId;
    keys.set(place.key, [{ versionId, isDeleteMarker, ...version }, ...older]);
  }

  #delete(request: Extract<Request, { readonly kind: "delete" }>, newId: string): void {
    const { versioning, keys } = this.bucket(request.bucket);
    const versions = keys.get(request.key) ?? [];
    if (request.ifMatch !== undefined) {
      const live = this.live(request.bucket, request.key);
      const isHidden = live === undefined && versions.length > 0 && versions[0]?.isDeleteMarker;
      if (live === undefined && isHidden !== true) throw new ModelError("NoSuchKey");
      if (live?.etag !== request.ifMatch) throw new ModelError("PreconditionFailed");
    }
    if (request.versionId === undefined && versioning !== "Unversioned") {
      this.#add(request, newId, "marker");
      return;
    }
    const gone = request.versionId ?? "null";
    const left = versions.filter((each) => each.versionId !== gone);
    if (left.length === 0) keys.delete(request.key);
    else keys.set(request.key, left);
  }
}

export function etagOf(body: string): string {
  return md5(Buffer.from(body, "latin1"));
}
