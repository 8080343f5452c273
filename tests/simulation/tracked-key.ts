// What a client knows of one key while its server may die: the versions that must be there, and, when
// an answer was lost, the ones that may be there instead.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { unknownId } from "./s3-model.ts";

export interface KnownVersion {
  /** `null` in unversioned buckets; `?` when the answer that would have said it was lost. */
  readonly id: string;
  readonly content: Content | "delete-marker";
}

export interface Content {
  readonly sizeBytes: number;
  readonly md5: string;
}

/** Newest first. */
export type Versions = readonly KnownVersion[];

export function contentOf(body: Uint8Array): Content {
  return { sizeBytes: body.byteLength, md5: createHash("md5").update(body).digest("hex") };
}

export class TrackedKey {
  readonly bucket: string;
  readonly key: string;
  #possible: readonly Versions[] = [[]];

  constructor(bucket: string, key: string) {
    this.bucket = bucket;
    this.key = key;
  }

  get isCertain(): boolean {
    return this.#possible.length === 1;
  }

  /** Only while nothing is uncertain. */
  get versions(): Versions {
    const [versions] = this.#possible;
    assert.ok(versions !== undefined && this.isCertain);
    return versions;
  }

  get live(): (KnownVersion & { readonly content: Content }) | undefined {
    const [newest] = this.versions;
    if (newest === undefined || newest.content === "delete-marker") return undefined;
    return { ...newest, content: newest.content };
  }

  /** A change that the server has answered. */
  acknowledge(change: (versions: Versions) => Versions): void {
    this.#possible = [change(this.versions)];
  }

  /** A change whose answer was lost. */
  suspect(change: (versions: Versions) => Versions): void {
    this.#possible = [this.versions, change(this.versions)];
  }

  /** Takes what was found as the truth. Throws when it is none of what may be. */
  resolve(found: Versions): void {
    const isPossible = this.#possible.some((versions) => isSame(versions, found));
    if (!isPossible) {
      const text = (versions: Versions): string => `[${versions.map(describe).join(", ")}]`;
      throw new Error(
        `${this.bucket}/${this.key} holds ${text(found)}; ` +
          `it may hold ${this.#possible.map(text).join(" or ")}`,
      );
    }
    this.#possible = [found];
  }
}

function isSame(expected: Versions, found: Versions): boolean {
  return (
    expected.length === found.length &&
    expected.every((version, at) => {
      const other = found[at];
      if (other === undefined) return false;
      const isId = version.id === unknownId || version.id === other.id;
      return isId && describeContent(version) === describeContent(other);
    })
  );
}

function describe(version: KnownVersion): string {
  return `${version.id} ${describeContent(version)}`;
}

function describeContent({ content }: KnownVersion): string {
  return content === "delete-marker" ? content : `${content.sizeBytes} bytes ${content.md5}`;
}
