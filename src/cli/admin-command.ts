// `holdfast admin`: one signed call to a running server, and its answer in words or as JSON. A client like
// any other: it knows nothing that the public API does not say.

import { signJsonRequest, type AwsCredentials } from "../keys/sign-json-request.ts";
import { systemClock } from "../base/clock.ts";
import { formatAdminHelp } from "./admin-help.ts";
import {
  parseAdminParameters,
  UsageError,
  type AdminInvocation,
  type ConnectionOptions,
  type ParsedAdmin,
} from "./admin-parameters.ts";
import { formatAnswer } from "./format-answer.ts";

export interface AdminCommandOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly output: { write(text: string): unknown };
  readonly errors: { write(text: string): unknown };
  readonly readFile: (path: string) => string;
  /** `undefined` where a directory holds none. */
  readonly readRootCredentials: (directory: string) => Promise<AwsCredentials | undefined>;
}

const defaultEndpoint = "http://127.0.0.1:9000";
const timeoutMilliseconds = 60_000;

/** The exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runAdminCommand(
  parameters: readonly string[],
  options: AdminCommandOptions,
): Promise<number> {
  try {
    const parsed = parse(parameters, options);
    if ("helpOn" in parsed) {
      options.output.write(formatAdminHelp(parsed.helpOn));
      return 0;
    }
    return await call(parsed, options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    options.errors.write(`holdfast: ${error.message} (see holdfast admin --help)\n`);
    return 2;
  }
}

function parse(parameters: readonly string[], { readFile }: AdminCommandOptions): ParsedAdmin {
  return parseAdminParameters(parameters, (path) => {
    try {
      return readFile(path);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new UsageError(`cannot read ${path}: ${why}`, { cause: error });
    }
  });
}

async function call(
  { action, input, connection, isJson }: AdminInvocation,
  options: AdminCommandOptions,
): Promise<number> {
  const { environment, output, errors } = options;
  const endpoint = findEndpoint(connection, environment);
  const request = signJsonRequest(
    {
      endpoint,
      region: connection.region ?? findRegion(environment),
      service: "holdfast",
      credentials: await findCredentials(connection, options),
      clock: systemClock,
    },
    `Holdfast.${action.name}`,
    JSON.stringify(input),
  );
  let response: Response;
  let text: string;
  try {
    response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMilliseconds),
    });
    text = await response.text();
  } catch (error) {
    errors.write(`holdfast: ${endpoint} cannot be reached: ${causeOf(error)}\n`);
    return 1;
  }
  const answer = parseObject(text);
  if (response.status !== 200 || answer === undefined) {
    errors.write(`holdfast: ${describeFailure(response.status, answer)}\n`);
    return 1;
  }
  output.write(isJson ? `${JSON.stringify(answer, undefined, 2)}\n` : formatAnswer(answer));
  return 0;
}

function findEndpoint(
  { endpoint }: ConnectionOptions,
  environment: AdminCommandOptions["environment"],
): string {
  const found = endpoint ?? (environment["AWS_ENDPOINT_URL"] || defaultEndpoint);
  if (/^https?:\/\//.test(found) && URL.canParse(found)) return found;
  throw new UsageError(`${JSON.stringify(found)} is no URL of a server`);
}

function findRegion(environment: AdminCommandOptions["environment"]): string {
  return environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || "us-east-1";
}

async function findCredentials(
  { dataDirectory }: ConnectionOptions,
  { environment, readRootCredentials }: AdminCommandOptions,
): Promise<AwsCredentials> {
  if (dataDirectory !== undefined) {
    const found = await readRootCredentials(dataDirectory);
    if (found !== undefined) return found;
    throw new UsageError(`${dataDirectory} holds no root credentials`);
  }
  const accessKeyId = environment["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = environment["AWS_SECRET_ACCESS_KEY"];
  if (!accessKeyId || !secretAccessKey) {
    throw new UsageError("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --data");
  }
  const sessionToken = environment["AWS_SESSION_TOKEN"];
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

function describeFailure(
  status: number,
  answer: Readonly<Record<string, unknown>> | undefined,
): string {
  const { __type: type, message } = answer ?? {};
  if (typeof type !== "string") return `the server answered ${status}, and not as Holdfast does`;
  return typeof message === "string" ? `${type}: ${message}` : type;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** fetch says "fetch failed", and why in its cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? causeOf(error.cause) : error.message;
}
