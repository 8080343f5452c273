// Virtual MFA devices: authenticator applications that share a seed with the server. A code opens once;
// guessing is slowed down, because six digits are soon tried.

import { assert } from "../../base/assert.ts";
import type { Transaction } from "../../storage/key-value/transaction.ts";
import { encodeRecord } from "../../storage/record-codec.ts";
import type { AccountId } from "../caller.ts";
import { findEntityById, getEntity } from "./entities.ts";
import type { IdentityDatabase, Page, PageRequest } from "./identity-database.ts";
import { pageOf } from "./identity-database.ts";
import { IdentityError } from "./identity-error.ts";
import { identityKeys, identityRanges } from "./identity-keys.ts";
import { checkName, checkPath, mfaDeviceArn } from "./identity-names.ts";
import { decodeMfaDevice, type MfaDeviceRecord, type Tag } from "./identity-records.ts";
import { devicesOf } from "./mfa-device-records.ts";
import { addTags, checkTags, removeTags } from "./tags.ts";
import { decodeBase32, encodeBase32, findTotpStep, totpStepAt } from "./totp.ts";

export interface MfaDevice {
  readonly serialNumber: string;
  readonly createdMilliseconds: number;
  readonly tags: readonly Tag[];
  /** Absent: nobody uses it yet. */
  readonly enabledMilliseconds: number | undefined;
  /** Id of the user, or of the account for its root. */
  readonly ownerId: string | undefined;
  /** Absent for the root's. */
  readonly userName: string | undefined;
}

export interface NewMfaDevice {
  readonly serialNumber: string;
  /** Leaves the server this once. */
  readonly base32Seed: string;
  /** What a QR code for authenticator applications says. */
  readonly uri: string;
}

/** Whose device: a user's by name, or with `undefined` the root's. */
export interface MfaOwner {
  readonly accountId: AccountId;
  readonly userName: string | undefined;
}

const seedBytes = 40;
const deviceNameLength = 226;
const devicesPerOwner = 8;
/** "One step of network delay" (RFC 6238, 5.2), in both directions. */
const verificationWindow = 1;
/** How far a device's clock may be off when it is enabled: ten minutes. */
const enablingWindow = 20;
const failuresBeforePause = 5;
const pauseMilliseconds = 60_000;

export class MfaDevices {
  readonly #database: IdentityDatabase;

  constructor(database: IdentityDatabase) {
    this.#database = database;
  }

  /** Throws IdentityError EntityAlreadyExists, ValidationError. */
  async create(
    accountId: AccountId,
    device: {
      readonly virtualMFADeviceName: string;
      readonly path?: string | undefined;
      readonly tags?: readonly Tag[] | undefined;
    },
  ): Promise<NewMfaDevice> {
    const name = device.virtualMFADeviceName;
    checkName(name, "virtualMFADeviceName", deviceNameLength);
    const path = checkPath(device.path);
    const tags = checkTags(device.tags ?? []);
    const serialNumber = mfaDeviceArn(accountId, path, name);
    const base32Seed = encodeBase32(this.#database.randomBytes(seedBytes));
    const sealedSeed = this.#database.sealer.seal(
      Buffer.from(base32Seed, "ascii"),
      seedContext(serialNumber),
    );
    await this.#database.change(accountId, async (transaction) => {
      const key = identityKeys.mfaDevice(accountId, name);
      if ((await transaction.get(key)) !== undefined) {
        throw new IdentityError(
          "EntityAlreadyExists",
          "MFADevice entity at the same path and name already exists.",
        );
      }
      const createdMilliseconds = this.#database.clock.now();
      const record: MfaDeviceRecord = {
        v: 1,
        accountId,
        name,
        path,
        sealedSeed,
        createdMilliseconds,
        tags,
      };
      transaction.set(key, encodeRecord(record));
    });
    const label = encodeURIComponent(`${name}@${accountId}`);
    const uri = `otpauth://totp/Holdfast:${label}?secret=${base32Seed}&issuer=Holdfast`;
    return { serialNumber, base32Seed, uri };
  }

  /** `undefined` for a serial number of no device of the account. */
  async find(accountId: AccountId, serialNumber: string): Promise<MfaDevice | undefined> {
    return this.#database.run(async (transaction) => {
      const record = await find(transaction, accountId, serialNumber);
      return record === undefined ? undefined : this.#describe(transaction, record);
    });
  }

  /** The account's devices by serial number; `assigned`: those in use, or those that are not. */
  async list(
    accountId: AccountId,
    request: PageRequest & { readonly assigned?: boolean | undefined } = {},
  ): Promise<Page<MfaDevice>> {
    const devices = await this.#database.run(async (transaction) => {
      const range = identityRanges.named("mfaDevice", accountId, undefined);
      const entries = await this.#database.entriesOf(transaction, range);
      return this.#describeAll(
        transaction,
        entries.map(({ value }) => decodeMfaDevice(value)),
      );
    });
    const { assigned } = request;
    const listed = devices.filter(
      ({ ownerId }) => assigned === undefined || (ownerId !== undefined) === assigned,
    );
    return pageOf(request, listed, ({ serialNumber }) => serialNumber);
  }

  /** Enabled devices of one owner. */
  async listOf(owner: MfaOwner, request: PageRequest = {}): Promise<Page<MfaDevice>> {
    const devices = await this.#database.run(async (transaction) => {
      const id = await ownerIdOf(transaction, owner);
      const { accountId } = owner;
      const records = await devicesOf(this.#database, transaction, { accountId, id });
      return this.#describeAll(transaction, records);
    });
    return pageOf(request, devices, ({ serialNumber }) => serialNumber);
  }

  /** Throws IdentityError DeleteConflict while somebody uses it, NoSuchEntity. */
  async delete(accountId: AccountId, serialNumber: string): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const device = await get(transaction, accountId, serialNumber);
      if (device.ownerId !== undefined) {
        throw new IdentityError(
          "DeleteConflict",
          "MFA VirtualDevice in use. Must deactivate first.",
        );
      }
      transaction.delete(identityKeys.mfaDevice(accountId, device.name));
    });
  }

  /**
   * Gives the device to an owner who proves to have it, by two codes that follow each other. Throws
   * IdentityError InvalidAuthenticationCode, EntityAlreadyExists, LimitExceeded, NoSuchEntity.
   */
  async enable(owner: MfaOwner, serialNumber: string, codes: Codes): Promise<void> {
    const { accountId } = owner;
    await this.#database.change(accountId, async (transaction) => {
      const ownerId = await ownerIdOf(transaction, owner);
      const device = await get(transaction, accountId, serialNumber);
      if (device.ownerId !== undefined) {
        throw new IdentityError(
          "EntityAlreadyExists",
          `MFADevice with serial number ${serialNumber} is already in use.`,
        );
      }
      const others = await devicesOf(this.#database, transaction, { accountId, id: ownerId });
      if (others.length >= devicesPerOwner) {
        throw new IdentityError(
          "LimitExceeded",
          `Cannot exceed quota for MFADevicesPerUser: ${devicesPerOwner}`,
        );
      }
      setDevice(transaction, {
        ...device,
        ownerId,
        enabledMilliseconds: this.#database.clock.now(),
        ...this.#synchronize(device, codes),
      });
    });
  }

  /** For a device whose clock has gone astray. Throws IdentityError as `enable` does. */
  async resynchronize(owner: MfaOwner, serialNumber: string, codes: Codes): Promise<void> {
    await this.#database.change(owner.accountId, async (transaction) => {
      const device = await this.#getOwned(transaction, owner, serialNumber);
      setDevice(transaction, { ...device, ...this.#synchronize(device, codes) });
    });
  }

  /** Throws IdentityError NoSuchEntity where it is not the owner's. */
  async deactivate(owner: MfaOwner, serialNumber: string): Promise<void> {
    await this.#database.change(owner.accountId, async (transaction) => {
      const device = await this.#getOwned(transaction, owner, serialNumber);
      const { ownerId: _, enabledMilliseconds: __, ...unused } = device;
      setDevice(transaction, unused);
    });
  }

  async tag(accountId: AccountId, serialNumber: string, tags: readonly Tag[]): Promise<void> {
    await this.#retag(accountId, serialNumber, (before) => addTags(before, tags));
  }

  async untag(accountId: AccountId, serialNumber: string, keys: readonly string[]): Promise<void> {
    await this.#retag(accountId, serialNumber, (before) => removeTags(before, keys));
  }

  /**
   * Whether a code is the present one of a device that this owner has enabled. A code is good once.
   * `ownerId`: id of the user, or of the account for its root.
   */
  async verify(
    owner: { readonly accountId: AccountId; readonly ownerId: string },
    serialNumber: string,
    code: string,
  ): Promise<boolean> {
    const now = this.#database.clock.now();
    // What is known of attempts is cached nowhere: the account's revision need not change.
    return this.#database.run(async (transaction) => {
      const device = await find(transaction, owner.accountId, serialNumber);
      if (device === undefined || device.ownerId !== owner.ownerId) return false;
      const { failures = 0, failedMilliseconds = 0, driftSteps = 0 } = device;
      const isPaused =
        failures >= failuresBeforePause && now - failedMilliseconds < pauseMilliseconds;
      if (isPaused) return false;
      const step = findTotpStep(this.#openSeed(device), code, {
        around: totpStepAt(now) + driftSteps,
        window: verificationWindow,
        ...(device.usedStep === undefined ? {} : { usedStep: device.usedStep }),
      });
      setDevice(
        transaction,
        step === undefined
          ? { ...device, failures: failures + 1, failedMilliseconds: now }
          : { ...device, failures: 0, usedStep: step },
      );
      return step !== undefined;
    });
  }

  /** Throws IdentityError InvalidAuthenticationCode. */
  #synchronize(device: MfaDeviceRecord, codes: Codes): Partial<MfaDeviceRecord> {
    const seed = this.#openSeed(device);
    const present = totpStepAt(this.#database.clock.now());
    for (let distance = 0; distance <= enablingWindow; distance += 1) {
      for (const first of [present - distance, present + distance]) {
        const isFirst = findTotpStep(seed, codes.code1, { around: first, window: 0 });
        const second = findTotpStep(seed, codes.code2, { around: first + 1, window: 0 });
        if (isFirst === undefined || second === undefined) continue;
        // Who types two codes ends in the step of the second, or still is in that of the first.
        const drift = second - present;
        const driftSteps = Math.abs(drift) <= 1 ? 0 : drift;
        return { usedStep: second, driftSteps, failures: 0 };
      }
    }
    throw new IdentityError(
      "InvalidAuthenticationCode",
      "Authentication code for device is not valid.",
    );
  }

  #openSeed(device: MfaDeviceRecord): Uint8Array {
    const plain = this.#database.sealer.open(device.sealedSeed, seedContext(serialOf(device)));
    const seed = decodeBase32(Buffer.from(plain).toString("ascii"));
    assert(seed !== undefined, "a device's seed is no Base32");
    return seed;
  }

  async #getOwned(
    transaction: Transaction,
    owner: MfaOwner,
    serialNumber: string,
  ): Promise<MfaDeviceRecord> {
    const ownerId = await ownerIdOf(transaction, owner);
    const device = await find(transaction, owner.accountId, serialNumber);
    if (device?.ownerId === ownerId) return device;
    throw new IdentityError("NoSuchEntity", "MFA Device invalid for user.");
  }

  async #retag(
    accountId: AccountId,
    serialNumber: string,
    change: (tags: readonly Tag[]) => readonly Tag[],
  ): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const device = await get(transaction, accountId, serialNumber);
      setDevice(transaction, { ...device, tags: change(device.tags) });
    });
  }

  async #describeAll(
    transaction: Transaction,
    records: readonly MfaDeviceRecord[],
  ): Promise<readonly MfaDevice[]> {
    const devices: MfaDevice[] = [];
    for (const record of records) devices.push(await this.#describe(transaction, record));
    return devices.toSorted((left, right) => (left.serialNumber < right.serialNumber ? -1 : 1));
  }

  async #describe(transaction: Transaction, record: MfaDeviceRecord): Promise<MfaDevice> {
    const { accountId, ownerId, createdMilliseconds, enabledMilliseconds, tags } = record;
    const user =
      ownerId === undefined ? undefined : await findEntityById(transaction, accountId, ownerId);
    return {
      serialNumber: serialOf(record),
      createdMilliseconds,
      tags,
      enabledMilliseconds,
      ownerId,
      userName: user?.name,
    };
  }
}

interface Codes {
  readonly code1: string;
  readonly code2: string;
}

const seedContext = (serialNumber: string): string => `mfa-device/${serialNumber}`;

function serialOf({ accountId, path, name }: MfaDeviceRecord): string {
  return mfaDeviceArn(accountId, path, name);
}

function setDevice(transaction: Transaction, record: MfaDeviceRecord): void {
  transaction.set(identityKeys.mfaDevice(record.accountId, record.name), encodeRecord(record));
}

async function find(
  transaction: Transaction,
  accountId: string,
  serialNumber: string,
): Promise<MfaDeviceRecord | undefined> {
  const name = serialNumber.slice(serialNumber.lastIndexOf("/") + 1);
  const value = await transaction.get(identityKeys.mfaDevice(accountId, name));
  const device = value === undefined ? undefined : decodeMfaDevice(value);
  return device !== undefined && serialOf(device) === serialNumber ? device : undefined;
}

async function get(
  transaction: Transaction,
  accountId: string,
  serialNumber: string,
): Promise<MfaDeviceRecord> {
  const device = await find(transaction, accountId, serialNumber);
  if (device !== undefined) return device;
  throw new IdentityError(
    "NoSuchEntity",
    `VirtualMFADevice with serial number ${serialNumber} doesn't exist.`,
  );
}

async function ownerIdOf(
  transaction: Transaction,
  { accountId, userName }: MfaOwner,
): Promise<string> {
  if (userName === undefined) return accountId;
  return (await getEntity(transaction, "user", accountId, userName)).id;
}
