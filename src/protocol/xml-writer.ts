// Writes XML by the shape table. Shapes are compiled once into closures that append text, so that a
// listing of a thousand keys costs little more than its characters.

import { escapeXml } from "../base/xml-text.ts";
import {
  s3Namespace,
  type BoundMember,
  type ShapeDefinition,
  type ShapeMember,
  type TypeReference,
} from "../model/operation-table.ts";
import { shapes } from "../model/operations.generated.ts";
import { formatHttpDate, formatIsoDate } from "./dates.ts";

export const xmlDeclaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Writes what stands inside an element: the attributes of its tag, then its content. */
interface ContentWriter {
  readonly attributes?: (value: unknown) => string;
  readonly content: (value: unknown) => string;
}

/** Writes the element of one member of a container. */
type MemberWriter = (container: Record<string, unknown>) => string;

export type DocumentWriter = (value: unknown) => string;

/** A writer of a whole document, without the XML declaration, whose root holds these members. */
export function compileDocument(
  rootName: string,
  members: readonly (ShapeMember | BoundMember<string>)[],
): DocumentWriter {
  return documentOf(rootName, structureWriter(members));
}

/** A writer of a document whose root is a value of this type. */
export function compileValueDocument(
  rootName: string,
  type: TypeReference,
  namespace?: string,
): DocumentWriter {
  return documentOf(rootName, writerOf(type), namespace);
}

function documentOf(
  rootName: string,
  writer: ContentWriter,
  namespace = s3Namespace,
): DocumentWriter {
  const open = namespace === "" ? `<${rootName}` : `<${rootName} xmlns="${namespace}"`;
  const close = `</${rootName}>`;
  return (value) => {
    const content = writer.content(value);
    const tag = writer.attributes === undefined ? open : open + writer.attributes(value);
    return content === "" ? `${tag}/>` : `${tag}>${content}${close}`;
  };
}

function structureWriter(members: readonly (ShapeMember | BoundMember<string>)[]): ContentWriter {
  const writers: MemberWriter[] = [];
  const attributes: ShapeMember[] = [];
  for (const member of members) {
    if ("attribute" in member) attributes.push(member);
    else writers.push(memberWriter(member));
  }
  return {
    ...(attributes.length === 0
      ? {}
      : { attributes: (value: unknown) => attributesOf(attributes, value as Container) }),
    content: (value) => {
      let text = "";
      for (const write of writers) text += write(value as Container);
      return text;
    },
  };
}

type Container = Record<string, unknown>;

function attributesOf(members: readonly ShapeMember[], container: Container): string {
  let text = "";
  for (const { name, wire, type } of members) {
    const value = container[name];
    if (value !== undefined) text += ` ${wire}="${textOf(type)(value)}"`;
  }
  return text;
}

function memberWriter(member: ShapeMember | BoundMember<string>): MemberWriter {
  const { name, type } = member;
  const namespace = "namespace" in member ? member.namespace : undefined;
  const declaration =
    namespace === undefined ? "" : ` xmlns:${namespace.prefix}="${namespace.uri}"`;
  if (typeof type === "object" && "list" in type && "flattened" in type) {
    // A list without an element of its own holds alternatives: each item's one member is the element.
    const item =
      member.wire === "" ? writerOf(type.list).content : elementWriter(member.wire, "", type.list);
    return (container) => {
      const items = container[name] as readonly unknown[] | undefined;
      if (items === undefined) return "";
      let text = "";
      for (const value of items) text += item(value);
      return text;
    };
  }
  const write = elementWriter(member.wire, declaration, type);
  return (container) => {
    const value = container[name];
    return value === undefined ? "" : write(value);
  };
}

/** Empty text and empty structures keep their element: `<Prefix></Prefix>`, `<Filter></Filter>`. */
function elementWriter(
  wire: string,
  declaration: string,
  type: TypeReference,
): (value: unknown) => string {
  const writer = writerOf(type);
  const close = `</${wire}>`;
  const open = `<${wire}${declaration}`;
  const openWhole = `${open}>`;
  const { attributes } = writer;
  if (attributes === undefined) return (value) => openWhole + writer.content(value) + close;
  return (value) => `${open}${attributes(value)}>${writer.content(value)}${close}`;
}

const structureWriters = new Map<string, ContentWriter>();

function writerOf(type: TypeReference): ContentWriter {
  if (typeof type === "object" && "structure" in type) {
    const known = structureWriters.get(type.structure);
    if (known !== undefined) return known;
    // No shape of S3's outputs holds itself, so compiling ends.
    const writer = structureWriter((shapes[type.structure] as ShapeDefinition).members);
    structureWriters.set(type.structure, writer);
    return writer;
  }
  if (typeof type === "object" && "list" in type && "element" in type) {
    const item = elementWriter(type.element, "", type.list);
    return {
      content: (value) => {
        let text = "";
        for (const one of value as readonly unknown[]) text += item(one);
        return text;
      },
    };
  }
  return { content: textOf(type) };
}

/** The text of a scalar, escaped. */
function textOf(type: TypeReference): (value: unknown) => string {
  switch (type) {
    case "integer":
    case "boolean":
      return String;
    case "date-time":
      return (value) => formatIsoDate(value as Date);
    case "http-date":
      return (value) => formatHttpDate(value as Date);
    case "epoch-seconds":
      return (value) => String(Math.floor((value as Date).getTime() / 1000));
    case "bytes":
      return (value) => Buffer.from(value as Uint8Array).toString("base64");
    default:
      return (value) => escapeXml(value as string);
  }
}
