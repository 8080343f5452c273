// The actions of administration as commands: names in kebab case, members as options, made of the table
// that the server checks its input by.

import { z } from "zod";

import { managementActions, type ManagementActionName } from "../model/management-actions.ts";

export interface AdminAction {
  /** As the server names it: `CreateAccount`. */
  readonly name: ManagementActionName;
  /** `create-account`. */
  readonly command: string;
  readonly summary: string;
  readonly options: readonly AdminOption[];
}

export interface AdminOption {
  /** `AccountId`. */
  readonly member: string;
  /** `account-id`. */
  readonly name: string;
  readonly kind: "text" | "document" | "number" | "bytes" | "switch" | "pairs";
  readonly values: readonly string[];
  readonly help: string;
  readonly isRequired: boolean;
}

interface MemberSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly description?: string;
  /** Of numbers. */
  readonly unit?: string;
  /** Of policies. */
  readonly document?: boolean;
}

interface InputSchema {
  readonly properties: Readonly<Record<string, MemberSchema>>;
  readonly required?: readonly string[];
}

export const adminActions: readonly AdminAction[] = Object.entries(managementActions).map(
  ([name, action]) => {
    // What zod answers for an object's schema.
    const schema = z.toJSONSchema(action.input, { io: "input" }) as unknown as InputSchema;
    const required = schema.required ?? [];
    return {
      name: name as ManagementActionName, // the table's own keys
      command: "command" in action ? action.command : toKebabCase(name),
      summary: action.summary,
      options: Object.entries(schema.properties).map(([member, each]) => ({
        member,
        name: toKebabCase(member),
        kind: kindOf(each),
        values: each.enum ?? [],
        help: each.description ?? "",
        isRequired: required.includes(member),
      })),
    };
  },
);

export function findAdminAction(command: string): AdminAction | undefined {
  return adminActions.find((action) => {
    return action.command === command || toKebabCase(action.name) === command;
  });
}

function kindOf({ type, unit, document }: MemberSchema): AdminOption["kind"] {
  if (document === true) return "document";
  if (unit === "bytes") return "bytes";
  switch (type) {
    case "integer":
      return "number";
    case "boolean":
      return "switch";
    case "object":
      return "pairs";
    default:
      return "text";
  }
}

function toKebabCase(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
}
