// Reads the contracts of IAM and STS out of the schemas that their official clients export and hands
// them on in the words of src/model/service-table.ts: the actions that the server answers, and the
// shapes that these name. Writes nothing.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type {
  ActionDefinition,
  ServiceContract,
  ServiceMember,
  ServiceType,
} from "../src/model/service-table.ts";
import {
  listKind,
  listModifier,
  mapKind,
  mapModifier,
  operationKind,
  resolve,
  simpleKind,
  withTraits,
  type Schema,
  type Traits,
} from "./schema-words.ts";

export interface ServiceSource extends ServiceContract {
  readonly packageVersion: string;
}

const require = createRequire(import.meta.url);
const errorKind = -3;

/** Reads the client's package `name`; of its operations only `actionNames`. */
export async function readService(
  name: string,
  actionNames: readonly string[],
): Promise<ServiceSource> {
  const sdk = (await import(name)) as Readonly<Record<string, unknown>>;
  const directory = dirname(dirname(require.resolve(name)));
  const declarations = readDeclarations(directory, sdk);
  const reader = new ServiceReader(declarations.memberEnumerations);
  const actions: Record<string, ActionDefinition> = {};
  for (const action of actionNames.toSorted()) {
    const schema = sdk[`${action}$`] as Schema | undefined;
    if (schema?.[0] !== operationKind) throw new Error(`${name} has no operation ${action}`);
    actions[action] = reader.readAction(schema);
  }
  const settings = readFileSync(join(directory, "dist-es/runtimeConfig.shared.js"), "utf8");
  return {
    packageVersion: (require(join(directory, "package.json")) as { version: string }).version,
    version: setting(settings, "version"),
    namespace: setting(settings, "xmlNamespace"),
    actions,
    shapes: sorted(reader.shapes),
    enumerations: sorted(
      new Map(
        [...declarations.enumerations].filter(([enumeration]) => reader.used.has(enumeration)),
      ),
    ),
    errors: readErrors(sdk),
  };
}

function setting(text: string, name: string): string {
  const found = new RegExp(`\\b${name}: "([^"]+)"`).exec(text)?.[1];
  if (found === undefined) throw new Error(`no ${name} among the client's settings`);
  return found;
}

function readErrors(sdk: Readonly<Record<string, unknown>>): Record<string, number> {
  const errors = new Map<string, number>();
  for (const schema of Object.values(sdk)) {
    if (!Array.isArray(schema) || schema[0] !== errorKind || typeof schema[3] !== "object")
      continue;
    const traits = schema[3] as Traits;
    const [code, status] = (traits["awsQueryError"] ?? [schema[2], traits["httpError"]]) as [
      string,
      number,
    ];
    errors.set(code, status);
  }
  return sorted(errors);
}

interface Declarations {
  readonly enumerations: ReadonlyMap<string, readonly string[]>;
  /** By `Shape.Member`: which enumeration a member uses is in no schema. */
  readonly memberEnumerations: ReadonlyMap<string, string>;
}

function readDeclarations(directory: string, sdk: Readonly<Record<string, unknown>>): Declarations {
  const read = (file: string): string => {
    try {
      return readFileSync(join(directory, `dist-types/models/${file}.d.ts`), "utf8");
    } catch {
      return "";
    }
  };
  const enumerations = new Map<string, readonly string[]>();
  for (const match of read("enums").matchAll(/^export declare const (\w+): \{/gm)) {
    const name = match[1] as string;
    enumerations.set(name, Object.values(sdk[name] as Record<string, string>));
  }
  const memberEnumerations = new Map<string, string>();
  for (const file of ["models_0", "models_1"]) {
    let shape = "";
    for (const line of read(file).split("\n")) {
      shape = /^export interface (\w+)/.exec(line)?.[1] ?? shape;
      const member = /^ {4}(\w+)\??: \(?(\w+)\)?(?:\[\])?(?: \| undefined)?;$/.exec(line);
      if (member !== null && enumerations.has(member[2] as string)) {
        memberEnumerations.set(`${shape}.${member[1]}`, member[2] as string);
      }
    }
  }
  return { enumerations, memberEnumerations };
}

class ServiceReader {
  readonly shapes = new Map<string, readonly ServiceMember[]>();
  readonly used = new Set<string>();
  readonly #enumerations: ReadonlyMap<string, string>;

  constructor(enumerations: ReadonlyMap<string, string>) {
    this.#enumerations = enumerations;
  }

  readAction(schema: Schema): ActionDefinition {
    const input = this.#members(resolve(schema[4]));
    const output: unknown = resolve(schema[5]);
    // An output without members is another thing than none: clients look for its element.
    if (output === "unit") return { input };
    return { input, output: this.#members(output as Schema) };
  }

  #members(schema: Schema): readonly ServiceMember[] {
    if (!Array.isArray(schema) || !Array.isArray(schema[4])) return [];
    const names = schema[4] as string[];
    const targets = schema[5] as unknown[];
    const requiredCount = (schema[6] as number | undefined) ?? 0;
    return names.map((name, index) => {
      const [target] = withTraits(targets[index]);
      const type = this.#typeOf(target, `${String(schema[2])}.${name}`);
      return index < requiredCount ? { name, type, required: true } : { name, type };
    });
  }

  #typeOf(target: unknown, path: string): ServiceType {
    const schema = resolve(target);
    if (typeof schema === "number") return this.#simpleType(schema, path);
    if (schema[0] === simpleKind) return this.#simpleType(schema[4], path);
    if (schema[0] === listKind) return { list: this.#typeOf(withTraits(schema[4])[0], path) };
    if (schema[0] === mapKind) return { map: this.#typeOf(withTraits(schema[5])[0], path) };
    const name = schema[2] as string;
    if (!this.shapes.has(name)) {
      this.shapes.set(name, []);
      this.shapes.set(name, this.#members(schema));
    }
    return { structure: name };
  }

  #simpleType(code: number, path: string): ServiceType {
    if ((code & listModifier) !== 0) {
      return { list: this.#simpleType(code & ~listModifier, path) };
    }
    if ((code & mapModifier) !== 0) return { map: this.#simpleType(code & ~mapModifier, path) };
    const type = simpleTypes[code];
    if (type === undefined) throw new Error(`unknown simple type ${code} at ${path}`);
    const enumeration = type === "string" ? this.#enumerations.get(path) : undefined;
    if (enumeration === undefined) return type;
    this.used.add(enumeration);
    return { enumeration };
  }
}

const simpleTypes: Readonly<Record<number, ServiceType>> = {
  0: "string",
  1: "integer",
  2: "boolean",
  4: "timestamp",
  5: "timestamp",
  21: "bytes",
};

function sorted<Value>(map: ReadonlyMap<string, Value>): Record<string, Value> {
  return Object.fromEntries([...map].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
