// What the policy engine costs, in CPU time of this process: `node bench/micro/policy.ts`. The policy of
// the evaluations is what a bucket policy can be at most: 20 KiB, 100 statements.

import { compilePolicy } from "../../src/access/policy/compile-policy.ts";
import type { CompiledPolicy } from "../../src/access/policy/compile-policy.ts";
import { evaluatePolicies } from "../../src/access/policy/evaluate.ts";
import type { PolicyRequest } from "../../src/access/policy/evaluate.ts";
import { parsePolicy } from "../../src/access/policy/policy-document.ts";
import { isPublicPolicy } from "../../src/access/policy/public-policy.ts";

const rounds = 5;

/** Prints the best round's microseconds of CPU per call. */
function measure(name: string, calls: number, run: () => unknown): void {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const start = process.cpuUsage();
    for (let call = 0; call < calls; call += 1) run();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / calls);
  }
  process.stdout.write(`${name.padEnd(60)}${best.toFixed(2).padStart(10)} us\n`);
}

const account = "111122223333";

interface Variety {
  readonly action: string;
  readonly resource: (index: number) => string;
  readonly condition?: object;
  readonly principal?: (index: number) => unknown;
}

function oneUser(index: number): object {
  return { AWS: `arn:aws:iam::${account}:user/u${index}` };
}

function makeText({ action, resource, condition, principal = oneUser }: Variety): string {
  const statements = Array.from({ length: 100 }, (_, index) => ({
    Sid: `S${index}`,
    Effect: index % 10 === 9 ? "Deny" : "Allow",
    Principal: principal(index),
    Action: action,
    Resource: resource(index),
    ...(condition !== undefined && { Condition: condition }),
  }));
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

function compile(text: string): CompiledPolicy {
  return compilePolicy(parsePolicy(text, "bucket", { bucketName: "photos" }), {
    kind: "bucket",
    name: "photos",
  });
}

const context = new Map([
  ["aws:sourceip", ["192.0.2.77"]],
  ["aws:username", ["u98"]],
  ["aws:securetransport", ["true"]],
]);
const request: PolicyRequest = {
  action: "s3:GetObject",
  resource: "arn:aws:s3:::photos/team-098/2026/cat.jpg",
  principal: {
    kind: "user",
    accountId: account,
    arn: `arn:aws:iam::${account}:user/u98`,
    canonicalId: "a".repeat(64),
    userId: "AIDAEXAMPLEUSER98",
  },
  context,
};

const prefixes: Variety = {
  action: "s3:GetObject",
  resource: (index) => `arn:aws:s3:::photos/team-${String(index).padStart(3, "0")}/*`,
};
const text = makeText(prefixes);
process.stdout.write(`a policy of ${Buffer.byteLength(text)} bytes, 100 statements\n`);

measure("parse and check", 200, () => parsePolicy(text, "bucket", { bucketName: "photos" }));
const document = parsePolicy(text, "bucket", { bucketName: "photos" });
measure("compile", 500, () => compilePolicy(document, { kind: "bucket", name: "photos" }));
const policy = compile(text);
measure("is it public", 2000, () => isPublicPolicy(policy, "photos"));

function measureEvaluation(name: string, policies: readonly CompiledPolicy[]): void {
  const { effect, statement } = evaluatePolicies(policies, request);
  const which = statement === undefined ? effect : `${effect} by ${statement.index}`;
  measure(`evaluate: ${name} (${which})`, 100_000, () => evaluatePolicies(policies, request));
}

measureEvaluation("nothing", []);
measureEvaluation("another action", [compile(makeText({ ...prefixes, action: "s3:PutObject" }))]);
measureEvaluation("100 prefixes", [policy]);
measureEvaluation("100 suffixes", [
  compile(
    makeText({ ...prefixes, resource: (index) => `arn:aws:s3:::photos/*/team-${index}/*.jpg` }),
  ),
]);
measureEvaluation("100 address conditions", [
  compile(
    makeText({
      action: "s3:GetObject",
      resource: () => "arn:aws:s3:::photos/*",
      principal: () => "*",
      condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } },
    }),
  ),
]);
measureEvaluation("100 variables", [
  compile(
    makeText({
      ...prefixes,
      principal: () => "*",
      resource: (index) => `arn:aws:s3:::photos/\${aws:username}/${index}/*`,
    }),
  ),
]);
