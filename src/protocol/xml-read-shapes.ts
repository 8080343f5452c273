// Turns rows of the shape table into readers of elements, once, so that reading a document looks up
// elements by name and nothing else.

import type {
  BoundMember,
  ShapeDefinition,
  ShapeMember,
  TypeReference,
} from "../model/operation-table.ts";
import { shapes } from "../model/operations.generated.ts";
import { enumerations } from "../model/types.generated.ts";
import { parseHttpDate, parseIsoDate } from "./dates.ts";

export interface ElementReader {
  /** The container that children are stored into; `undefined` for an element that holds text. */
  begin(): unknown;
  /** Absent when the element holds text alone. */
  readonly child?: (name: string) => ChildReader | undefined;
  /** `false`: the value is wrong. An unknown attribute means nothing. */
  readonly attribute?: (container: unknown, name: string, value: string) => boolean;
  /** The element's value; `undefined` when text or children are not what they must be. */
  end(container: unknown, text: string): unknown;
}

export interface ChildReader {
  readonly reader: ElementReader;
  /** `false`: the element stands there twice. */
  store(container: unknown, value: unknown): boolean;
}

export type BodyMember = ShapeMember | (BoundMember<string> & { readonly attribute?: true });

/** A reader of an element whose children are these members. */
export function compileReader(members: readonly BodyMember[], isUnion = false): ElementReader {
  const children = new Map<string, ChildReader>();
  const attributes = new Map<string, BodyMember>();
  for (const member of members) {
    if (member.attribute === true) attributes.set(localName(member.wire), member);
    else children.set(member.wire, compileChild(member));
  }
  const required = members.filter((member) => member.required === true).map(({ name }) => name);
  return {
    begin: () => ({}),
    child: (name) => children.get(name),
    attribute: (container, name, value) => {
      const member = attributes.get(name);
      if (member === undefined) return true;
      const parsed = parseText(member.type, value);
      (container as Container)[member.name] = parsed;
      return parsed !== undefined;
    },
    end: (container) => {
      for (const name of required)
        if (!Object.hasOwn(container as Container, name)) return undefined;
      if (isUnion && Object.keys(container as Container).length !== 1) return undefined;
      return container;
    },
  };
}

type Container = Record<string, unknown>;

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function compileChild({ name, type }: BodyMember): ChildReader {
  if (typeof type === "object" && "list" in type && "flattened" in type) {
    const reader = readerOf(type.list);
    return {
      reader,
      store: (container, value) => {
        const items = (container as Record<string, unknown[]>)[name];
        if (items === undefined) (container as Container)[name] = [value];
        else items.push(value);
        return true;
      },
    };
  }
  return {
    reader: readerOf(type),
    store: (container, value) => {
      if (Object.hasOwn(container as Container, name)) return false;
      (container as Container)[name] = value;
      return true;
    },
  };
}

const structureReaders = new Map<string, ElementReader>();

function readerOf(type: TypeReference): ElementReader {
  if (typeof type !== "object") return textReader(type);
  if ("structure" in type) {
    // A shape may hold itself: the reader is made when its first element is met.
    let reader = structureReaders.get(type.structure);
    if (reader === undefined) {
      reader = lazyReader(() => {
        const shape = shapes[type.structure] as ShapeDefinition;
        return compileReader(shape.members, shape.union === true);
      });
      structureReaders.set(type.structure, reader);
    }
    return reader;
  }
  if ("list" in type && "element" in type) return listReader(type.list, type.element);
  return textReader(type);
}

function lazyReader(make: () => ElementReader): ElementReader {
  let made: ElementReader | undefined;
  const reader = (): ElementReader => (made ??= make());
  return {
    begin: () => reader().begin(),
    child: (name) => reader().child?.(name),
    attribute: (container, name, value) => reader().attribute?.(container, name, value) ?? true,
    end: (container, text) => reader().end(container, text),
  };
}

function listReader(item: TypeReference, element: string): ElementReader {
  const child: ChildReader = {
    reader: readerOf(item),
    store: (container, value) => {
      (container as unknown[]).push(value);
      return true;
    },
  };
  return {
    begin: () => [],
    child: (name) => (name === element ? child : undefined),
    end: (container) => container,
  };
}

function textReader(type: TypeReference): ElementReader {
  return { begin: () => undefined, end: (_container, text) => parseText(type, text) };
}

/** Text keeps its white space (keys may begin with blanks); everything else does not care for it. */
function parseText(type: TypeReference, text: string): unknown {
  if (type === "string") return text;
  const trimmed = text.trim();
  if (typeof type === "object" && "enumeration" in type) {
    const values: readonly string[] = enumerations[type.enumeration];
    return values.includes(trimmed) ? trimmed : undefined;
  }
  switch (type) {
    case "integer":
      return parseInteger(trimmed);
    case "boolean":
      return parseBoolean(trimmed);
    case "date-time":
      return parseIsoDate(trimmed);
    case "http-date":
      return parseHttpDate(trimmed) ?? parseIsoDate(trimmed);
    case "epoch-seconds": {
      const seconds = parseInteger(trimmed);
      return seconds === undefined ? undefined : new Date(seconds * 1000);
    }
    case "bytes":
      return Buffer.from(trimmed, "base64");
    default:
      return undefined;
  }
}

function parseInteger(text: string): number | undefined {
  if (!/^[+-]?\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

function parseBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  if (lower === "true" || lower === "1") return true;
  return lower === "false" || lower === "0" ? false : undefined;
}
