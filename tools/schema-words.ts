// The words of the schemas that official clients export. A schema is a tuple: kind, namespace, name,
// traits, then what its kind needs. The kinds and the numbers of simple types are those of
// @smithy/types (schema/static-schemas.d.ts, sentinels.d.ts).

export type Schema = readonly unknown[];
export type Traits = Readonly<Record<string, unknown>>;

export const simpleKind = 0;
export const listKind = 1;
export const mapKind = 2;
export const structureKind = 3;
export const unionKind = 4;
export const operationKind = 9;

/** Bits that turn the number of a simple type into a list or a map of it. */
export const listModifier = 64;
export const mapModifier = 128;

const labelBit = 1;
const payloadBit = 16;

/** A member is its target, or a pair of target and traits; a number of traits is a set of bits. */
export function withTraits(member: unknown): [unknown, Traits] {
  if (!Array.isArray(member) || member.length !== 2) return [member, {}];
  const [target, traits] = member as [unknown, number | Traits];
  if (typeof traits !== "number") return [target, traits];
  const named: Record<string, unknown> = {};
  if ((traits & labelBit) !== 0) named["httpLabel"] = 1;
  if ((traits & payloadBit) !== 0) named["httpPayload"] = 1;
  return [target, named];
}

export function resolve(target: unknown): Schema & number {
  return (typeof target === "function" ? (target as () => unknown)() : target) as Schema & number;
}
