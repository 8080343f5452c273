// Values in the JSON form of SDKs and the AWS CLI as the inputs of operations: checked against the
// model's shapes, with times made of their texts.

import type { TypeReference } from "../model/operation-table.ts";
import { shapes } from "../model/operations.generated.ts";
import { enumerations } from "../model/types.generated.ts";
import { ProvisioningError } from "./provisioning-error.ts";

/** Throws ProvisioningError with the place of what does not fit. */
export function readSdkValue(type: TypeReference, value: unknown, place: string): unknown {
  if (typeof type === "string") return readScalar(type, value, place);
  if ("enumeration" in type) {
    const names: readonly string[] = enumerations[type.enumeration];
    if (typeof value === "string" && names.includes(value)) return value;
    throw new ProvisioningError(`${place}: must be one of ${names.join(", ")}`);
  }
  if ("list" in type) {
    if (!Array.isArray(value)) throw new ProvisioningError(`${place}: must be a list`);
    return value.map((each, index) => readSdkValue(type.list, each, `${place}.${index}`));
  }
  if ("structure" in type) return readStructure(type.structure, value, place);
  throw new ProvisioningError(`${place}: cannot be provisioned`);
}

function readStructure(name: string, value: unknown, place: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProvisioningError(`${place}: must be an object`);
  }
  const members = shapes[name]?.members ?? [];
  const given = new Map(Object.entries(value));
  const read: Record<string, unknown> = {};
  for (const member of members) {
    const part = given.get(member.name);
    given.delete(member.name);
    const partPlace = `${place}.${member.name}`;
    if (part !== undefined && part !== null) {
      read[member.name] = readSdkValue(member.type, part, partPlace);
    } else if ("required" in member) {
      throw new ProvisioningError(`${partPlace}: is missing`);
    }
  }
  for (const unknown of given.keys()) {
    throw new ProvisioningError(`${place}.${unknown}: is not a member of ${name}`);
  }
  return read;
}

function readScalar(type: string, value: unknown, place: string): unknown {
  switch (type) {
    case "boolean":
      if (typeof value === "boolean") return value;
      break;
    case "integer":
      if (Number.isSafeInteger(value)) return value;
      break;
    case "date-time":
    case "http-date":
    case "epoch-seconds": {
      // YAML has times of its own.
      const time = value instanceof Date ? value : new Date(String(value));
      if (!Number.isNaN(time.getTime())) return time;
      break;
    }
    case "string":
      if (typeof value === "string") return value;
      break;
    default:
  }
  throw new ProvisioningError(`${place}: must be a ${type}`);
}

/** Whether everything that is wanted is there; what the server adds by itself does not count. */
export function holdsAll(wanted: unknown, found: unknown): boolean {
  if (wanted === undefined) return true;
  if (wanted instanceof Date) return found instanceof Date && wanted.getTime() === found.getTime();
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(found) &&
      wanted.length === found.length &&
      wanted.every((each, index) => holdsAll(each, found[index]))
    );
  }
  if (typeof wanted !== "object" || wanted === null) return wanted === found;
  if (typeof found !== "object" || found === null) return false;
  return Object.entries(wanted).every(([name, value]) =>
    holdsAll(value, (found as Readonly<Record<string, unknown>>)[name]),
  );
}
