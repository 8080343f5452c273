// Reads an XML body into the values that a shape describes. As strict as S3: what is not well-formed,
// not in the shape, there twice, missing, or of the wrong type is refused as a whole. Namespaces are
// not looked at, as in S3. Document types, entities and processing instructions are refused.

import { SaxesParser } from "saxes";
import { xmlDepth, xmlElements } from "../model/limits.ts";
import { compileReader, type ElementReader } from "./xml-read-shapes.ts";

export type { ElementReader } from "./xml-read-shapes.ts";
export { compileReader };

/** Thrown for every document that is not what it must be; the caller knows S3's code for it. */
export class XmlRefusedError extends Error {
  override readonly name = "XmlRefusedError";
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** `root` reads the document's element, which must have this name. Throws XmlRefusedError. */
export function readXml(bytes: Uint8Array, rootName: string, root: ElementReader): unknown {
  try {
    return new Document(rootName, root).read(utf8.decode(bytes));
  } catch (error) {
    if (error instanceof XmlRefusedError) throw error;
    throw new XmlRefusedError("the document is not well-formed", { cause: error });
  }
}

interface Frame {
  readonly reader: ElementReader;
  /** What the reader makes of the element: an object, an array, or nothing for text. */
  readonly value: unknown;
  readonly store: (value: unknown) => void;
  text: string;
}

type Attributes = Readonly<Record<string, { readonly local: string; readonly value: string }>>;

class Document {
  readonly #rootName: string;
  readonly #root: ElementReader;
  readonly #frames: Frame[] = [];
  #elements = 0;
  #result: unknown;

  constructor(rootName: string, root: ElementReader) {
    this.#rootName = rootName;
    this.#root = root;
  }

  read(text: string): unknown {
    const parser = new SaxesParser({ xmlns: true });
    parser.on("error", (error) => {
      throw error;
    });
    parser.on("doctype", () => refuse("a document type is not allowed"));
    parser.on("processinginstruction", () => refuse("an instruction is not allowed"));
    parser.on("xmldecl", ({ encoding }) => {
      if (encoding !== undefined && encoding.toLowerCase() !== "utf-8") refuse("not in UTF-8");
    });
    parser.on("opentag", ({ local, attributes }) => this.#open(local, attributes));
    parser.on("text", (part) => this.#text(part));
    parser.on("cdata", (part) => this.#text(part));
    parser.on("closetag", () => this.#close());
    parser.write(text).close();
    return this.#result;
  }

  #open(local: string, attributes: Attributes): void {
    this.#elements += 1;
    if (this.#elements > xmlElements) refuse("too many elements");
    if (this.#frames.length >= xmlDepth) refuse("too deep");
    const parent = this.#frames.at(-1);
    let reader: ElementReader;
    let store: (value: unknown) => void;
    if (parent === undefined) {
      if (local !== this.#rootName) refuse("another root element");
      reader = this.#root;
      store = (value) => {
        this.#result = value;
      };
    } else {
      const member = parent.reader.child?.(local) ?? refuse("an unknown element");
      reader = member.reader;
      store = (value) => {
        if (!member.store(parent.value, value)) refuse("an element stands twice");
      };
    }
    const value = reader.begin();
    for (const name in attributes) {
      const attribute = attributes[name] as Attributes[string];
      if (reader.attribute?.(value, attribute.local, attribute.value) === false) {
        refuse("an attribute has a wrong value");
      }
    }
    this.#frames.push({ reader, value, store, text: "" });
  }

  #text(part: string): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) return;
    if (frame.reader.child === undefined) frame.text += part;
    else if (part.trim() !== "") refuse("text between elements");
  }

  #close(): void {
    const frame = this.#frames.pop() as Frame; // the parser closes only what it opened
    const value = frame.reader.end(frame.value, frame.text);
    if (value === undefined) refuse("a value is wrong or missing");
    frame.store(value);
  }
}

function refuse(text: string): never {
  throw new XmlRefusedError(text);
}
