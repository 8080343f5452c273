// Rotation: a key gets new material, by itself each period or when somebody asks; what earlier material
// has encrypted stays readable.

import { nextRotationOf } from "../../keys/key-rotation.ts";
import { currentMaterialOf } from "../../keys/kms-ciphers.ts";
import { KmsError } from "../../keys/kms-error.ts";
import { findKey, type KmsOperation } from "./kms-call.ts";
import { asSeconds } from "./key-operations.ts";
import { findInteger, findText, getKeyIdOrArn, getPaging, pagingOutput } from "./kms-input.ts";

const standardPeriodDays = 365;
/** As often as KMS does it for somebody who asks ("RotateKeyOnDemand": 25 for a key). */
const maximumOnDemand = 25;

export const enableKeyRotation: KmsOperation = async (input, call) => {
  const periodDays = findInteger(input, "RotationPeriodInDays", 90, 2560) ?? standardPeriodDays;
  const { keyId } = await findKey(call, getKeyIdOrArn(input), "kms:EnableKeyRotation");
  const now = call.keys.now();
  await call.keys.update(keyId, (record) => {
    call.keys.checkUsable(record);
    if (record.rotation?.periodDays === periodDays) return record;
    return { ...record, rotation: { periodDays, sinceMilliseconds: now } };
  });
  return {};
};

export const disableKeyRotation: KmsOperation = async (input, call) => {
  const { keyId } = await findKey(call, getKeyIdOrArn(input), "kms:DisableKeyRotation");
  await call.keys.update(keyId, (record) => {
    call.keys.checkUsable(record);
    const { rotation: _ended, ...rest } = record;
    return rest;
  });
  return {};
};

export const getKeyRotationStatus: KmsOperation = async (input, call) => {
  const record = await findKey(call, getKeyIdOrArn(input), "kms:GetKeyRotationStatus");
  const next = nextRotationOf(record);
  // "While a KMS key is disabled or pending deletion, rotation does not happen": the setting stays.
  return {
    KeyId: call.keys.arnOf(record),
    KeyRotationEnabled: record.rotation !== undefined && record.state !== "PendingDeletion",
    ...(record.rotation === undefined || next === undefined
      ? {}
      : { RotationPeriodInDays: record.rotation.periodDays, NextRotationDate: asSeconds(next) }),
  };
};

export const rotateKeyOnDemand: KmsOperation = async (input, call) => {
  const { keyId } = await findKey(call, getKeyIdOrArn(input), "kms:RotateKeyOnDemand");
  const record = await call.keys.update(keyId, (current) => {
    call.keys.checkUsable(current);
    const onDemand = current.materials.filter(({ rotation }) => rotation === "ON_DEMAND");
    if (onDemand.length >= maximumOnDemand) {
      throw new KmsError(
        "LimitExceededException",
        "The key was rotated on demand as often as it can be.",
      );
    }
    return call.keys.rotated(current, "ON_DEMAND");
  });
  return { KeyId: call.keys.arnOf(record) };
};

export const listKeyRotations: KmsOperation = async (input, call) => {
  const { limit, after } = getPaging(input, 100, 1000);
  const rules = { values: ["ALL_KEY_MATERIAL", "ROTATIONS_ONLY"] };
  const isWhole = findText(input, "IncludeKeyMaterial", rules) === "ALL_KEY_MATERIAL";
  const record = await findKey(call, getKeyIdOrArn(input), "kms:ListKeyRotations");
  const current = currentMaterialOf(record);
  const all = record.materials.filter(({ rotation }) => isWhole || rotation !== undefined);
  const rest = all.filter(({ number }) => after === undefined || number > Number(after));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return {
    Rotations: page.map((material) => ({
      KeyId: record.keyId,
      KeyMaterialId: material.id,
      KeyMaterialState: material === current ? "CURRENT" : "NON_CURRENT",
      ...(material.rotation === undefined
        ? {}
        : {
            RotationDate: asSeconds(material.createdMilliseconds),
            RotationType: material.rotation,
          }),
    })),
    ...pagingOutput(rest.length > limit ? String(last?.number) : undefined),
  };
};
