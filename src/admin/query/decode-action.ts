// Makes an action's typed input of the parameters of a request, by the tables: `Tags.member.1.Key`
// becomes the first item of a list of structures. What breaks a constraint is collected, because AWS
// names every mistake in one message.

import type { ServiceConstraints, ValueConstraint } from "../../model/service-constraints.ts";
import type { ServiceContract, ServiceMember, ServiceType } from "../../model/service-table.ts";
import { QueryError, validationError } from "./query-error.ts";
import type { QueryParameters } from "./query-parameters.ts";

export type ActionInput = Readonly<Record<string, unknown>>;

export interface ActionDecoderOptions {
  readonly contract: ServiceContract;
  readonly constraints: ServiceConstraints;
  /** IAM says in words what a pattern asks for; STS prints the pattern. */
  readonly explainsPatterns: boolean;
}

/** Throws QueryError ValidationError, MalformedInput. */
export function decodeAction(
  action: string,
  parameters: QueryParameters,
  options: ActionDecoderOptions,
): ActionInput {
  const members = options.contract.actions[action]?.input ?? [];
  const decoder = new ActionDecoder(action, parameters, options);
  return decoder.decode(members);
}

/** Where a value stands: its name on the wire, and as messages spell it. */
interface Place {
  readonly wire: string;
  readonly shown: string;
  /** Of the member whose constraint holds for the value. */
  readonly member: string;
}

/** Our bound on the index of an item: no list of these actions is longer. */
const maximumItems = 2000;

class ActionDecoder {
  readonly #action: string;
  readonly #parameters: QueryParameters;
  readonly #options: ActionDecoderOptions;
  /** Every name that is a parameter or has parameters below it, with the next parts of those. */
  readonly #children = new Map<string, Set<string>>();
  readonly #problems: string[] = [];

  constructor(action: string, parameters: QueryParameters, options: ActionDecoderOptions) {
    this.#action = action;
    this.#parameters = parameters;
    this.#options = options;
    for (const name of parameters.keys()) this.#index(name);
  }

  #index(name: string): void {
    const parts = name.split(".");
    if (parts.length > 12) throw malformedInput();
    for (let count = 1; count < parts.length; count += 1) {
      const parent = parts.slice(0, count).join(".");
      const known = this.#children.get(parent);
      if (known === undefined) this.#children.set(parent, new Set([parts[count] as string]));
      else known.add(parts[count] as string);
    }
  }

  decode(members: readonly ServiceMember[]): ActionInput {
    const input = this.#structure(members, undefined);
    const count = this.#problems.length;
    if (count > 0) {
      const noun = count === 1 ? "1 validation error" : `${count} validation errors`;
      throw validationError(`${noun} detected: ${this.#problems.join("; ")}`);
    }
    return input;
  }

  #structure(members: readonly ServiceMember[], parent: Place | undefined): ActionInput {
    const result: Record<string, unknown> = {};
    for (const { name, type, required } of members) {
      const place = {
        wire: parent === undefined ? name : `${parent.wire}.${name}`,
        shown: parent === undefined ? lowerFirst(name) : `${parent.shown}.${lowerFirst(name)}`,
        member: name,
      };
      const value = this.#value(type, place);
      if (value !== undefined) result[name] = value;
      else if (required === true) {
        this.#problems.push(problem("null", place, "Member must not be null"));
      }
    }
    return result;
  }

  #value(type: ServiceType, place: Place): unknown {
    if (typeof type === "object" && "list" in type) return this.#list(type.list, place);
    if (typeof type === "object" && "structure" in type) {
      if (!this.#children.has(place.wire)) return undefined;
      return this.#structure(this.#options.contract.shapes[type.structure] ?? [], place);
    }
    const text = this.#parameters.get(place.wire);
    if (text === undefined) return undefined;
    if (typeof type === "object") {
      if ("map" in type) throw malformedInput();
      return this.#enumerated(text, type.enumeration, place);
    }
    return this.#scalar(type, text, place);
  }

  #list(item: ServiceType, place: Place): readonly unknown[] | undefined {
    const base = `${place.wire}.member`;
    const indices = [...(this.#children.get(base) ?? [])];
    if (indices.length === 0) {
      // An empty list is sent as an empty value.
      return this.#parameters.get(place.wire) === "" ? [] : undefined;
    }
    const numbers = indices.map((text) => {
      const number = Number(text);
      const isIndex = /^[1-9]\d*$/.test(text) && number <= maximumItems;
      if (!isIndex) throw malformedInput(`Key ${base}.${text} is not a valid index of a list.`);
      return number;
    });
    const limit = this.#options.constraints.lists[place.member];
    if (limit !== undefined) this.#checkLength(numbers.length, limit, "[...]", place);
    return numbers
      .toSorted((left, right) => left - right)
      .map((number) =>
        this.#value(item, {
          wire: `${base}.${number}`,
          shown: `${place.shown}.${number}.member`,
          member: place.member,
        }),
      );
  }

  #enumerated(text: string, enumeration: string, place: Place): string {
    const values = this.#options.contract.enumerations[enumeration] ?? [];
    if (!values.includes(text)) {
      const rule = `Member must satisfy enum value set: [${values.join(", ")}]`;
      this.#problems.push(problem(`'${text}'`, place, rule));
    }
    return text;
  }

  #scalar(type: ServiceType, text: string, place: Place): unknown {
    switch (type) {
      case "integer":
        return this.#integer(text, place);
      case "boolean":
        if (text === "true" || text === "false") return text === "true";
        throw malformedInput(`${text} is not a valid value of ${place.shown}.`);
      case "timestamp":
      case "bytes":
        throw malformedInput();
      default:
        this.#checkText(text, place);
        return text;
    }
  }

  #integer(text: string, place: Place): number {
    if (!/^-?\d{1,9}$/.test(text)) throw malformedInput(`${text} is not a valid integer.`);
    const value = Number(text);
    const { minimum, maximum } = this.#constraintOf(place) ?? {};
    if (minimum !== undefined && value < minimum) {
      const rule = `Member must have value greater than or equal to ${minimum}`;
      this.#problems.push(problem(`'${text}'`, place, rule));
    }
    if (maximum !== undefined && value > maximum) {
      const rule = `Member must have value less than or equal to ${maximum}`;
      this.#problems.push(problem(`'${text}'`, place, rule));
    }
    return value;
  }

  #checkText(text: string, place: Place): void {
    const constraint = this.#constraintOf(place);
    if (constraint === undefined) return;
    this.#checkLength(characterCount(text), constraint, `'${text}'`, place);
    const { pattern, patternMessage } = constraint;
    if (pattern === undefined || pattern.test(text)) return;
    if (patternMessage !== undefined && this.#options.explainsPatterns) {
      // What breaks nothing but the pattern is said in words of its own.
      if (this.#problems.length > 0) return;
      throw validationError(`The specified value for ${place.shown} is invalid. ${patternMessage}`);
    }
    const shownPattern = printPattern(pattern);
    const rule = `Member must satisfy regular expression pattern: ${shownPattern}`;
    this.#problems.push(problem(`'${text}'`, place, rule));
  }

  #checkLength(length: number, limits: ValueConstraint, shown: string, place: Place): void {
    const { minimum, maximum } = limits;
    if (minimum !== undefined && length < minimum) {
      const rule = `Member must have length greater than or equal to ${minimum}`;
      this.#problems.push(problem(shown, place, rule));
    }
    if (maximum !== undefined && length > maximum) {
      const rule = `Member must have length less than or equal to ${maximum}`;
      // A value that is too long is left out of the message.
      this.#problems.push(problem(shown.length > 256 ? "" : shown, place, rule));
    }
  }

  #constraintOf({ member }: Place): ValueConstraint | undefined {
    const { exceptions, members } = this.#options.constraints;
    return exceptions[`${this.#action}.${member}`] ?? members[member];
  }
}

/** As the model of AWS writes it: no anchors, no groups that only group, control characters by number. */
function printPattern({ source }: RegExp): string {
  return source
    .replaceAll(/^\^|\$$/g, "")
    .replaceAll("(?:", "(")
    .replaceAll(String.raw`\t\n\r`, String.raw`\u0009\u000A\u000D`);
}

/** Characters, not code units: that of `𝒳` is one. */
function characterCount(text: string): number {
  return text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
}

function problem(value: string, { shown }: Place, rule: string): string {
  const space = value === "" ? "" : " ";
  return `Value${space}${value} at '${shown}' failed to satisfy constraint: ${rule}`;
}

function lowerFirst(name: string): string {
  return name.slice(0, 1).toLowerCase() + name.slice(1);
}

function malformedInput(message = "The request is not well-formed."): QueryError {
  return new QueryError("MalformedInput", message);
}
