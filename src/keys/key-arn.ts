// The names of KMS keys: ids, aliases, and the ARNs of both.

import { KmsError } from "./kms-error.ts";

export interface KeyPlace {
  readonly region: string;
  /** Twelve digits. */
  readonly accountId: string;
}

export type KeyReference =
  | { readonly kind: "key"; readonly accountId: string; readonly keyId: string }
  /** With its prefix: `alias/my-key`. */
  | { readonly kind: "alias"; readonly accountId: string; readonly aliasName: string };

const keyIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const arnPattern = /^arn:aws:kms:([^:]*):(\d{12}):(key\/[^:/]+|alias\/[^:]+)$/;

function isKeyId(text: string): boolean {
  return keyIdPattern.test(text);
}

export function keyArnOf({ region, accountId }: KeyPlace, keyId: string): string {
  return `arn:aws:kms:${region}:${accountId}:key/${keyId}`;
}

export function aliasArnOf({ region, accountId }: KeyPlace, aliasName: string): string {
  return `arn:aws:kms:${region}:${accountId}:${aliasName}`;
}

/**
 * Reads a key's name; one that is no ARN is looked for in `place`. Throws KmsError NotFoundException,
 * in KMS's words.
 */
export function parseKeyReference(name: string, place: KeyPlace): KeyReference {
  if (name.startsWith("alias/")) {
    return { kind: "alias", accountId: place.accountId, aliasName: name };
  }
  if (!name.startsWith("arn:")) {
    return { kind: "key", accountId: place.accountId, keyId: name };
  }
  const match = arnPattern.exec(name);
  if (match === null) throw new KmsError("NotFoundException", `Invalid arn ${name}`);
  const [, region, accountId, resource] = match as unknown as [string, string, string, string];
  // KMS says no more than the region of a key that is elsewhere.
  if (region !== place.region) throw new KmsError("NotFoundException", `Invalid arn ${region}`);
  if (resource.startsWith("alias/")) return { kind: "alias", accountId, aliasName: resource };
  return { kind: "key", accountId, keyId: resource.slice("key/".length) };
}

/** How KMS says that a key is not there: a name that can be no key's id is called invalid. */
export function keyNotFound(place: KeyPlace, keyId: string): KmsError {
  return new KmsError(
    "NotFoundException",
    isKeyId(keyId) ? `Key '${keyArnOf(place, keyId)}' does not exist` : `Invalid keyId '${keyId}'`,
  );
}

export function aliasNotFound(place: KeyPlace, aliasName: string): KmsError {
  return new KmsError("NotFoundException", `Alias ${aliasArnOf(place, aliasName)} is not found.`);
}
