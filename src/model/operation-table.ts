// The words in which the contract is written down: what one row of the operation table and one row of
// the shape table say. The rows themselves are generated (operations.generated.ts).

import type { EnumerationName, OperationName } from "./types.generated.ts";

/** What a request addresses: the service (`/`), a bucket, or an object. */
export type Level = "service" | "bucket" | "object";

export type ScalarType =
  | "string"
  /** At most 2^53-1; S3 has no fractions. */
  | "integer"
  | "boolean"
  /** ISO 8601, `2009-10-12T17:50:30.000Z`. */
  | "date-time"
  /** RFC 9110, `Wed, 28 Oct 2009 22:32:00 GMT`. */
  | "http-date"
  | "epoch-seconds"
  | "bytes";

export type TypeReference =
  | ScalarType
  /** The message's body, unread. Inputs leave it out (operations read `context.payload`). */
  | "stream"
  | { readonly enumeration: EnumerationName }
  | { readonly structure: string }
  /**
   * `element` is each item's element inside the list's own element; a flattened list has none: its
   * items repeat the member's own element. In a header the items stand separated by commas; in a query
   * they repeat its key.
   */
  | { readonly list: TypeReference; readonly element: string }
  | { readonly list: TypeReference; readonly flattened: true }
  /** Every header that begins with the member's wire name. */
  | { readonly map: "string" }
  /** The stream of frames `application/vnd.amazon.eventstream`; names a union shape. */
  | { readonly events: string };

export type InputLocation = "label" | "header" | "prefix-headers" | "query" | "body" | "payload";
export type OutputLocation = "header" | "prefix-headers" | "body" | "payload";

/** One member of an operation's input or output and its place in the HTTP message. */
export interface BoundMember<Location> {
  /** S3's own name, as SDKs spell it. */
  readonly name: string;
  readonly in: Location;
  /**
   * The header, query key or XML element; headers as S3 writes them. For a payload that is XML, the
   * root element; for any other payload the empty string.
   */
  readonly wire: string;
  readonly type: TypeReference;
  readonly required?: true;
}

export type InputMember = BoundMember<InputLocation>;
export type OutputMember = BoundMember<OutputLocation>;

/** A query key that is part of an operation's address, such as `acl` or `list-type=2`. */
export interface LiteralQuery {
  readonly name: string;
  /** Empty: the key counts with any value, because clients send `?acl` and `?acl=` alike. */
  readonly value: string;
}

export interface OperationDefinition {
  readonly name: OperationName;
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE" | "OPTIONS";
  /** An object operation whose Key is not required answers on the bucket as well. */
  readonly level: Level;
  readonly query: readonly LiteralQuery[];
  /**
   * A path that stands for itself rather than for a bucket and key. `{Member}` at its end is a label
   * that takes all that follows.
   */
  readonly path?: string;
  /** S3 Control, which administers accounts, has another envelope for errors and another namespace. */
  readonly control?: true;
  /** The answer's document has no namespace. */
  readonly withoutNamespace?: true;
  /** The status of success; an operation may answer another (206, 304) by a `Reply`. */
  readonly status: number;
  /** The client must send Content-MD5 or an `x-amz-checksum-*` header with its body. */
  readonly checksumRequired?: true;
  /** The error that a malformed XML body gets where it is not MalformedXML. */
  readonly malformedBodyError?: "MalformedACLError";
  /** The error that an empty body gets where it is not MissingRequestBodyError. */
  readonly emptyBodyError?: "EmptyRequestBody";
  /** Root element of an input whose members stand in the XML body one by one. */
  readonly inputRoot?: string;
  readonly input: readonly InputMember[];
  /** Root element of an output whose members stand in the XML body one by one. */
  readonly outputRoot?: string;
  readonly output: readonly OutputMember[];
}

export interface XmlNamespace {
  readonly prefix: string;
  readonly uri: string;
}

export interface ShapeMember {
  readonly name: string;
  /** The element, or with `attribute` the attribute. */
  readonly wire: string;
  readonly type: TypeReference;
  readonly required?: true;
  readonly attribute?: true;
  /** Declared on this member's element, for attributes below it such as `xsi:type`. */
  readonly namespace?: XmlNamespace;
  /** In an event of an event stream: the member is the frame's payload. */
  readonly eventPayload?: true;
}

/** A structure of an XML body. */
export interface ShapeDefinition {
  readonly members: readonly ShapeMember[];
  /** Exactly one member is present. */
  readonly union?: true;
}

/** The namespace of every document that S3 writes, error documents excepted. */
export const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
/** That of S3 Control, error documents included. */
export const controlNamespace = "http://awss3control.amazonaws.com/doc/2018-08-20/";
