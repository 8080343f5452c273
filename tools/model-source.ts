// Reads the S3 contract out of the schemas that @aws-sdk/client-s3 exports and hands it on in the
// words of src/model/operation-table.ts, corrected by src/model/corrections.ts. Writes nothing.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as corrections from "../src/model/corrections.ts";
import type {
  InputMember,
  Level,
  OperationDefinition,
  OutputMember,
  ShapeDefinition,
  ShapeMember,
  TypeReference,
  XmlNamespace,
} from "../src/model/operation-table.ts";
import {
  listKind,
  listModifier,
  mapModifier,
  operationKind,
  resolve,
  simpleKind,
  structureKind,
  unionKind,
  withTraits,
  type Schema,
  type Traits,
} from "./schema-words.ts";

export interface Contract {
  readonly packageVersion: string;
  readonly operations: readonly OperationDefinition[];
  readonly shapes: ReadonlyMap<string, ShapeDefinition>;
  readonly enumerations: ReadonlyMap<string, readonly string[]>;
}

const require = createRequire(import.meta.url);
const packageDirectory = dirname(dirname(require.resolve("@aws-sdk/client-s3")));

export async function readContract(): Promise<Contract> {
  const sdk: Readonly<Record<string, unknown>> = await import("@aws-sdk/client-s3");
  const reader = new ContractReader(readMemberEnumerations(Object.keys(readEnumerations(sdk))));
  const withChecksum = readOperationsWithRequiredChecksum();
  const operations: OperationDefinition[] = [];
  for (const [exportName, value] of Object.entries(sdk)) {
    if (!exportName.endsWith("$") || !Array.isArray(value) || value[0] !== operationKind) continue;
    operations.push(reader.readOperation(value, withChecksum));
  }
  for (const added of corrections.addedOperations) {
    const lender = corrections.borrowedOutputs[added.name];
    const lent = operations.find(({ name }) => name === lender)?.output ?? [];
    const output = [...added.definition.output, ...lent];
    operations.push({ ...added.definition, output, name: added.name } as OperationDefinition);
  }
  for (const [name, members] of Object.entries(corrections.addedShapes)) {
    const union = corrections.addedUnions.includes(name) ? { union: true as const } : {};
    for (const { type } of members) {
      if (isStructure(type)) reader.readShape(sdk[`${type.structure}$`] as Schema);
    }
    reader.shapes.set(name, { ...union, members });
  }
  return {
    packageVersion: (require(join(packageDirectory, "package.json")) as { version: string })
      .version,
    operations: operations.toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    shapes: new Map([...reader.shapes].toSorted(([left], [right]) => (left < right ? -1 : 1))),
    enumerations: new Map(
      Object.entries(readEnumerations(sdk))
        .map(([name, values]) => [renamed(name), values] as const)
        .toSorted(([left], [right]) => (left < right ? -1 : 1)),
    ),
  };
}

/** The exported plain objects whose keys are turned into values of an enumeration. */
function readEnumerations(sdk: Readonly<Record<string, unknown>>): Record<string, string[]> {
  const text = readText("dist-types/models/enums.d.ts");
  const result: Record<string, string[]> = {};
  for (const match of text.matchAll(/^export declare const (\w+): \{/gm)) {
    const name = match[1] as string;
    result[name] = Object.values(sdk[name] as Record<string, string>);
  }
  return result;
}

/** Which enumeration a member uses is in no schema, only in the declarations: `Shape.Member`. */
function readMemberEnumerations(names: readonly string[]): ReadonlyMap<string, string> {
  const known = new Set(names);
  const result = new Map<string, string>();
  for (const file of ["models_0", "models_1"]) {
    let shape = "";
    for (const line of readText(`dist-types/models/${file}.d.ts`).split("\n")) {
      const opening = /^export interface _?(\w+)/.exec(line);
      if (opening !== null) shape = opening[1] as string;
      const member = /^ {4}(\w+)\??: \(?(\w+)\)?(?:\[\])?(?: \| undefined)?;$/.exec(line);
      if (member !== null && known.has(member[2] as string)) {
        result.set(`${shape}.${member[1]}`, member[2] as string);
      }
    }
  }
  return result;
}

/** The checksum rule stands only in the options with which the client builds each command. */
function readOperationsWithRequiredChecksum(): ReadonlySet<string> {
  const requiring = new Set<string>();
  for (const text of readText("dist-es/commandBuilder.js").split("export const ")) {
    const name = /^_mw\d+/.exec(text)?.[0];
    if (name !== undefined && text.includes("requestChecksumRequired: true")) requiring.add(name);
  }
  const operations = new Set<string>();
  for (const match of readText("dist-cjs/index.js").matchAll(
    /command\(_ep\d+, (_mw\d+), "(\w+)"/g,
  )) {
    if (requiring.has(match[1] as string)) operations.add(match[2] as string);
  }
  return operations;
}

function readText(path: string): string {
  return readFileSync(join(packageDirectory, path), "utf8");
}

function renamed(name: string): string {
  return corrections.typeNames[name] ?? name;
}

class ContractReader {
  readonly shapes = new Map<string, ShapeDefinition>();
  readonly #enumerations: ReadonlyMap<string, string>;

  constructor(enumerations: ReadonlyMap<string, string>) {
    this.#enumerations = enumerations;
  }

  readOperation(schema: Schema, withChecksum: ReadonlySet<string>): OperationDefinition {
    const name = schema[2] as string;
    const [method, uri, status] = (schema[3] as Traits)["http"] as [string, string, number];
    const [path = "", queryText = ""] = uri.split("?");
    const exactPath = corrections.paths[name];
    const input = this.#bindMembers(resolve(schema[4]), "input") as InputMember[];
    const outputMembers = this.#bindMembers(resolve(schema[5]), "output") as OutputMember[];
    const output = corrections.unwrappedOutputs.includes(name)
      ? outputMembers.map((member) => ({ ...member, in: "payload" as const }))
      : outputMembers;
    const isDemanded = withChecksum.has(name) && !corrections.checksumNotDemanded.includes(name);
    const malformedBodyError = corrections.malformedBodyErrors[name];
    const emptyBodyError = corrections.emptyBodyErrors[name];
    return {
      name: name as OperationDefinition["name"],
      method: method as OperationDefinition["method"],
      level: levelOf(path, input, exactPath),
      query: literalQueries(queryText),
      ...(exactPath === undefined ? {} : { path: exactPath }),
      status: corrections.statuses[name] ?? status,
      ...(isDemanded ? { checksumRequired: true as const } : {}),
      ...(malformedBodyError === undefined ? {} : { malformedBodyError }),
      ...(emptyBodyError === undefined ? {} : { emptyBodyError }),
      ...(hasBody(input) ? { inputRoot: rootName(resolve(schema[4]), undefined) } : {}),
      input,
      ...(hasBody(output)
        ? { outputRoot: rootName(resolve(schema[5]), corrections.outputRoots[name]) }
        : {}),
      output,
    };
  }

  #bindMembers(shape: Schema, side: "input" | "output"): (InputMember | OutputMember)[] {
    if (shape[0] !== structureKind) return [];
    const bound: (InputMember | OutputMember)[] = [];
    for (const { name, target, traits, required } of membersOf(shape)) {
      const place = bindingOf(name, traits);
      const type = this.#typeOf(target, traits, place.in, `${String(shape[2])}.${name}`);
      const isXml = place.in === "body" || isStructure(type);
      const wire = isXml ? xmlNameOf(name, traits, type) : place.wire;
      const isRequired = required && side === "input" ? { required: true as const } : {};
      bound.push({ name, in: place.in, wire, type, ...isRequired } as InputMember);
    }
    for (const member of corrections.addedMembers[shape[2] as string] ?? []) {
      bound.push({ ...member, in: "body" });
    }
    bound.push(...(corrections.addedHeaders[shape[2] as string] ?? []));
    return ordered(shape[2] as string, bound);
  }

  readShape(schema: Schema): string {
    const name = renamed(schema[2] as string);
    if (this.shapes.has(name)) return name;
    this.shapes.set(name, { members: [] });
    const members: ShapeMember[] = [];
    for (const { name: member, target, traits, required } of membersOf(schema)) {
      const type = this.#typeOf(target, traits, "body", `${String(schema[2])}.${member}`);
      const namespace = namespaceOf(traits);
      members.push({
        name: member,
        wire: xmlNameOf(member, traits, type),
        type,
        ...(required ? { required: true as const } : {}),
        ...(traits["xmlAttribute"] === undefined ? {} : { attribute: true as const }),
        ...(namespace === undefined ? {} : { namespace }),
        ...(traits["eventPayload"] === undefined ? {} : { eventPayload: true as const }),
      });
    }
    members.push(...(corrections.addedMembers[schema[2] as string] ?? []));
    const union = schema[0] === unionKind ? { union: true as const } : {};
    this.shapes.set(name, { ...union, members: ordered(schema[2] as string, members) });
    return name;
  }

  #typeOf(target: unknown, traits: Traits, place: string, path: string): TypeReference {
    const corrected = corrections.memberTypes[path];
    if (corrected !== undefined) return corrected;
    const schema = resolve(target);
    if (typeof schema === "number") return this.#simpleType(schema, traits, place, path);
    if (schema[0] === simpleKind) return this.#simpleType(schema[4], traits, place, path);
    if (schema[0] === listKind) {
      const [item, itemTraits] = withTraits(schema[4]);
      const type = this.#typeOf(item, {}, place, path);
      if (traits["xmlFlattened"] !== undefined) return { list: type, flattened: true };
      return { list: type, element: (itemTraits["xmlName"] as string | undefined) ?? "member" };
    }
    const shape = this.readShape(schema);
    const isEventStream = (schema[3] as Traits)["streaming"] !== undefined;
    return isEventStream ? { events: shape } : { structure: shape };
  }

  #simpleType(code: number, traits: Traits, place: string, path: string): TypeReference {
    if ((code & mapModifier) !== 0) return { map: "string" };
    if ((code & listModifier) !== 0) {
      const type = this.#simpleType(code & ~listModifier, traits, place, path);
      if (traits["xmlFlattened"] !== undefined) return { list: type, flattened: true };
      return { list: type, element: "member" };
    }
    const scalar = scalarTypes[code];
    if (scalar === "string") {
      const enumeration = this.#enumerations.get(path);
      const isOpen =
        enumeration !== undefined && corrections.openEnumerations.includes(enumeration);
      return enumeration === undefined || isOpen
        ? "string"
        : ({ enumeration: renamed(enumeration) } as TypeReference);
    }
    if (scalar === "timestamp") return place === "header" ? "http-date" : "date-time";
    if (scalar === undefined) throw new Error(`unknown simple type ${code} at ${path}`);
    return scalar;
  }
}

const scalarTypes: Readonly<Record<number, TypeReference | "timestamp">> = {
  0: "string",
  1: "integer",
  2: "boolean",
  4: "timestamp",
  5: "date-time",
  6: "http-date",
  7: "epoch-seconds",
  21: "bytes",
  42: "stream",
};

interface SchemaMember {
  readonly name: string;
  readonly target: unknown;
  readonly traits: Traits;
  readonly required: boolean;
}

/** Required members stand first in a schema; their number is its last entry. */
function membersOf(shape: Schema): SchemaMember[] {
  const names = shape[4] as string[];
  const targets = shape[5] as unknown[];
  const requiredCount = (shape[6] as number | undefined) ?? 0;
  const leftOut = corrections.membersLeftOut[shape[2] as string] ?? [];
  const members = names.map((name, index) => {
    const [target, traits] = withTraits(targets[index]);
    const path = `${String(shape[2])}.${name}`;
    const isRequired = index < requiredCount || corrections.requiredMembers.includes(path);
    const required = isRequired && !corrections.optionalMembers.includes(path);
    return { name, target, traits, required };
  });
  return members.filter(({ name }) => !leftOut.includes(name));
}

function bindingOf(name: string, traits: Traits): { in: string; wire: string } {
  const header = traits["httpHeader"] as string | undefined;
  if (header !== undefined) return { in: "header", wire: header };
  const query = traits["httpQuery"] as string | undefined;
  if (query !== undefined) return { in: "query", wire: query };
  const prefix = traits["httpPrefixHeaders"] as string | undefined;
  if (prefix !== undefined) return { in: "prefix-headers", wire: prefix };
  if (traits["httpLabel"] !== undefined) return { in: "label", wire: "" };
  if (traits["httpPayload"] !== undefined) return { in: "payload", wire: "" };
  return { in: "body", wire: name };
}

function isStructure(type: TypeReference): type is { readonly structure: string } {
  return typeof type === "object" && "structure" in type;
}

function hasBody(members: readonly { readonly in: string }[]): boolean {
  return members.some(({ in: place }) => place === "body");
}

/** A payload's element is the member's own name, or else its shape's. */
function xmlNameOf(name: string, traits: Traits, type: TypeReference): string {
  const given = traits["xmlName"] as string | undefined;
  if (given !== undefined) return given;
  const isPayload = traits["httpPayload"] !== undefined;
  if (isPayload && typeof type === "object" && "structure" in type) return type.structure;
  return name;
}

function rootName(shape: Schema, corrected: string | undefined): string {
  const traits = shape[3] === 0 ? {} : (shape[3] as Traits);
  const name = corrected ?? (traits["xmlName"] as string | undefined);
  const isRequest = (shape[2] as string).endsWith("Request");
  if (name === undefined && !isRequest) throw new Error(`no root element for ${String(shape[2])}`);
  return name ?? (shape[2] as string);
}

function namespaceOf(traits: Traits): XmlNamespace | undefined {
  const namespace = traits["xmlNamespace"] as [string, string] | undefined;
  return namespace === undefined ? undefined : { prefix: namespace[0], uri: namespace[1] };
}

function levelOf(
  path: string,
  input: readonly InputMember[],
  exactPath: string | undefined,
): Level {
  if (exactPath !== undefined) return "service";
  if (path.includes("{Key+}")) return "object";
  return input.some(({ name, in: at }) => name === "Bucket" && at === "label")
    ? "bucket"
    : "service";
}

/** `x-id` only repeats the operation's name; no client is bound to send it. */
function literalQueries(text: string): { name: string; value: string }[] {
  const pairs = text === "" ? [] : text.split("&").map((pair) => pair.split("="));
  return pairs
    .map(([name = "", value = ""]) => ({ name, value }))
    .filter(({ name }) => name !== "x-id");
}

function ordered<Member extends { readonly name: string }>(
  shape: string,
  members: readonly Member[],
): Member[] {
  const order = corrections.memberOrder[shape] ?? [];
  const unknown = order.filter((name) => !members.some((member) => member.name === name));
  if (unknown.length > 0) throw new Error(`${shape} has no member ${unknown.join(", ")}`);
  const rank = (member: Member): number => {
    const index = order.indexOf(member.name);
    return index === -1 ? order.length : index;
  };
  return members.toSorted((left, right) => rank(left) - rank(right));
}
