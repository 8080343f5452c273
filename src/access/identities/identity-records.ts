// What is stored of accounts and their identities. Secrets stand in records sealed alone.

import { decodeRecord } from "../../storage/record-codec.ts";
import type { AccountId, CanonicalId } from "../caller.ts";

export type Tag = readonly [key: string, value: string];

export interface AccountRecord {
  readonly v: 1;
  readonly accountId: AccountId;
  readonly canonicalId: CanonicalId;
  readonly displayName: string;
  readonly email?: string;
  readonly alias?: string;
  readonly createdMilliseconds: number;
  /** Sessions of the account's root that were issued before are refused. */
  readonly sessionsRevokedMilliseconds?: number;
}

/** What users, groups and roles have in common. */
interface EntityRecord {
  readonly v: 1;
  readonly accountId: AccountId;
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly createdMilliseconds: number;
  /** ARNs of managed policies in the order in which they were attached. */
  readonly attachedPolicyArns: readonly string[];
  /** Documents by name, as they were put. */
  readonly inlinePolicies: Readonly<Record<string, string>>;
}

export interface UserRecord extends EntityRecord {
  readonly kind: "user";
  readonly groupIds: readonly string[];
  readonly tags: readonly Tag[];
  readonly boundaryArn?: string;
  readonly sessionsRevokedMilliseconds?: number;
}

export interface GroupRecord extends EntityRecord {
  readonly kind: "group";
}

export interface RoleRecord extends EntityRecord {
  readonly kind: "role";
  /** The trust policy. */
  readonly trustPolicy: string;
  readonly description?: string;
  readonly maximumSessionSeconds: number;
  readonly tags: readonly Tag[];
  readonly boundaryArn?: string;
  readonly sessionsRevokedMilliseconds?: number;
}

export type AccessKeyStatus = "Active" | "Inactive";

export interface AccessKeyRecord {
  readonly v: 1;
  readonly accessKeyId: string;
  readonly accountId: AccountId;
  /** Id of the user; the account's id for its root. */
  readonly ownerId: string;
  readonly status: AccessKeyStatus;
  readonly createdMilliseconds: number;
  /** Sealed in the context `access-key/<access key id>`. */
  readonly sealedSecret: string;
  /** Makes the key a service account. */
  readonly service?: ServiceAccountFacts;
}

export interface ServiceAccountFacts {
  readonly name?: string;
  readonly description?: string;
  /** Narrows what the owner may do; absent: the key may do all that its owner may. */
  readonly policy?: string;
  readonly expiresMilliseconds?: number;
}

export interface LastUsedRecord {
  readonly v: 1;
  readonly usedMilliseconds: number;
  /** `s3`, `iam`, … */
  readonly service: string;
  readonly region: string;
}

export interface PolicyRecord {
  readonly v: 1;
  readonly accountId: AccountId;
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly description?: string;
  readonly createdMilliseconds: number;
  readonly updatedMilliseconds: number;
  readonly defaultVersion: number;
  /** The number of the newest version ever made; numbers are not used again. */
  readonly newestVersion: number;
  readonly tags: readonly Tag[];
}

export interface PolicyVersionRecord {
  readonly v: 1;
  readonly number: number;
  readonly document: string;
  readonly createdMilliseconds: number;
}

export interface OidcProviderRecord {
  readonly v: 1;
  readonly accountId: AccountId;
  /** Without the scheme, as IAM keeps it. */
  readonly url: string;
  /** `http` for an issuer on this machine alone. */
  readonly scheme: "https" | "http";
  readonly clientIds: readonly string[];
  readonly thumbprints: readonly string[];
  readonly createdMilliseconds: number;
  readonly tags: readonly Tag[];
}

export interface MfaDeviceRecord {
  readonly v: 1;
  readonly accountId: AccountId;
  readonly name: string;
  readonly path: string;
  /** The Base32 seed, sealed in the context `mfa-device/<serial number>`. */
  readonly sealedSeed: string;
  readonly createdMilliseconds: number;
  readonly tags: readonly Tag[];
  /** Whose it is: id of the user, or of the account for its root. */
  readonly ownerId?: string;
  readonly enabledMilliseconds?: number;
  /** Steps of 30 seconds: a code of this or an earlier step was used. */
  readonly usedStep?: number;
  /** How far the device's clock is ahead. */
  readonly driftSteps?: number;
  /** Wrong codes since the last good one, and the time of the last. */
  readonly failures?: number;
  readonly failedMilliseconds?: number;
}

export interface RevokedSessionRecord {
  readonly v: 1;
  /** When the session ends by itself, and this record means nothing any more. */
  readonly expiresMilliseconds: number;
}

/** Changes whenever an identity of the account changes; only its revision in the store counts. */
export interface RevisionRecord {
  readonly v: 1;
  readonly changedMilliseconds: number;
}

/** Where the name of a user, group or role is found by its id. */
export interface EntityNameRecord {
  readonly v: 1;
  readonly kind: "user" | "group" | "role";
  readonly name: string;
}

export function decodeAccount(value: Uint8Array): AccountRecord {
  return decodeRecord(value, 1) as AccountRecord;
}

export function decodeUser(value: Uint8Array): UserRecord {
  return decodeRecord(value, 1) as UserRecord;
}

export function decodeGroup(value: Uint8Array): GroupRecord {
  return decodeRecord(value, 1) as GroupRecord;
}

export function decodeRole(value: Uint8Array): RoleRecord {
  return decodeRecord(value, 1) as RoleRecord;
}

export function decodeAccessKey(value: Uint8Array): AccessKeyRecord {
  return decodeRecord(value, 1) as AccessKeyRecord;
}

export function decodeLastUsed(value: Uint8Array): LastUsedRecord {
  return decodeRecord(value, 1) as LastUsedRecord;
}

export function decodePolicy(value: Uint8Array): PolicyRecord {
  return decodeRecord(value, 1) as PolicyRecord;
}

export function decodePolicyVersion(value: Uint8Array): PolicyVersionRecord {
  return decodeRecord(value, 1) as PolicyVersionRecord;
}

export function decodeOidcProvider(value: Uint8Array): OidcProviderRecord {
  return decodeRecord(value, 1) as OidcProviderRecord;
}

export function decodeMfaDevice(value: Uint8Array): MfaDeviceRecord {
  return decodeRecord(value, 1) as MfaDeviceRecord;
}

export function decodeEntityName(value: Uint8Array): EntityNameRecord {
  return decodeRecord(value, 1) as EntityNameRecord;
}

export function decodeRevokedSession(value: Uint8Array): RevokedSessionRecord {
  return decodeRecord(value, 1) as RevokedSessionRecord;
}
