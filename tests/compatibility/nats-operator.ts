// Writes what a NATS server needs that knows its users by their signed tokens: the configuration with
// operator and account (operator.conf), and the credentials of a user (user.creds).
// https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt

import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";

type KeyPair = ReturnType<typeof nkeys.createUser>;

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function signToken(issuer: KeyPair, subject: KeyPair, name: string, nats: object): string {
  const head = encode({ typ: "JWT", alg: "ed25519-nkey" });
  const body = encode({
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name,
    nats: { version: 2, ...nats },
  });
  const signature = issuer.sign(new TextEncoder().encode(`${head}.${body}`));
  return `${head}.${body}.${Buffer.from(signature).toString("base64url")}`;
}

function seedOf(pair: KeyPair): string {
  return new TextDecoder().decode(pair.getSeed());
}

const [directory = "."] = process.argv.slice(2);
const operator = nkeys.createOperator();
const account = nkeys.createAccount();
const user = nkeys.createUser();
const unlimited = { subs: -1, data: -1, payload: -1 };

const operatorToken = signToken(operator, operator, "tests", { type: "operator" });
const accountToken = signToken(operator, account, "notifications", {
  type: "account",
  limits: { ...unlimited, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
});
const userToken = signToken(account, user, "notifier", { type: "user", ...unlimited });

writeFileSync(
  join(directory, "operator.conf"),
  [
    `operator: ${operatorToken}`,
    "resolver: MEMORY",
    `resolver_preload: { ${account.getPublicKey()}: ${accountToken} }`,
    "",
  ].join("\n"),
);
writeFileSync(
  join(directory, "user.creds"),
  [
    "-----BEGIN NATS USER JWT-----",
    userToken,
    "------END NATS USER JWT------",
    "",
    "-----BEGIN USER NKEY SEED-----",
    seedOf(user),
    "------END USER NKEY SEED------",
    "",
  ].join("\n"),
);
// A user that the configuration names by its key alone.
const keyed = nkeys.createUser();
writeFileSync(join(directory, "user.nkey"), keyed.getPublicKey());
writeFileSync(join(directory, "user.seed"), seedOf(keyed));
