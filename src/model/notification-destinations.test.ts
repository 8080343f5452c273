import assert from "node:assert/strict";
import { test } from "node:test";
import { destinationSettings } from "./notification-destinations.ts";

function complaintsAbout(settings: object): readonly string[] {
  const { error } = destinationSettings.safeParse(settings);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

const database = { kind: "postgresql", table: "events", mode: "append" };
const nats = { kind: "nats", servers: ["tls://nats.example.com"], subject: "events" };

test("a database's URL says how it is encrypted by the modes of libpq that do what they say", () => {
  const url = "postgresql://user@db.example.com/events";
  for (const mode of ["disable", "require", "verify-ca", "verify-full"]) {
    assert.deepEqual(complaintsAbout({ ...database, url: `${url}?sslmode=${mode}` }), [], mode);
  }
  for (const mode of ["prefer", "allow", "no-verify", ""]) {
    assert.deepEqual(complaintsAbout({ ...database, url: `${url}?sslmode=${mode}` }), [
      "url: sslmode must be disable, require, verify-ca or verify-full",
    ]);
  }
  assert.deepEqual(complaintsAbout({ ...database, url: `${url}?sslrootcert=/etc/ca.pem` }), [
    "url: sslcert, sslkey and sslrootcert stand in tls, as certificate, key and ca",
  ]);
});

test("a user of NATS is not looked for in the URL, where the client would not find it", () => {
  const [complaint = ""] = complaintsAbout({ ...nats, servers: ["tls://user:pass@example.com"] });
  assert.match(complaint, /^servers\.0: must not hold a user: /);
  assert.ok(!complaint.includes("pass@"));
});

test("what is no key of NATS is refused when it is declared", () => {
  assert.deepEqual(complaintsAbout({ ...nats, credentials: "/etc/nats/user.creds" }), [
    "credentials: must be the content of a .creds file",
  ]);
  assert.deepEqual(complaintsAbout({ ...nats, nkeySeed: "UAFHG6" }), [
    "nkeySeed: must be the seed of a user: SU and 56 characters",
  ]);
});

test("settings of TLS are texts of PEM, whole, and for a connection that is encrypted", () => {
  const ca = "-----BEGIN CERTIFICATE-----\nMII…\n-----END CERTIFICATE-----\n";
  const broker = { kind: "amqp", url: "amqps://mq.example.com", routingKey: "events" };
  assert.deepEqual(complaintsAbout({ ...broker, tls: { ca } }), []);
  assert.deepEqual(complaintsAbout({ ...broker, tls: { ca: "/etc/ca.pem" } }), [
    "tls.ca: must be certificates in PEM; { fromFile: PATH } reads them from a file",
  ]);
  assert.deepEqual(complaintsAbout({ ...broker, tls: { certificate: ca } }), [
    "tls: certificate and key go together",
  ]);
  for (const settings of [
    { ...broker, url: "amqp://mq.example.com" },
    { kind: "webhook", url: "http://example.com" },
    { kind: "mqtt", url: "mqtt://example.com", topic: "events" },
    { kind: "redis", url: "redis://example.com", mode: "list", key: "events" },
    { ...database, url: "postgresql://user@db.example.com/events?sslmode=disable" },
  ]) {
    assert.deepEqual(complaintsAbout({ ...settings, tls: { ca } }), [
      "tls: has no effect: the URL asks for a connection in clear",
    ]);
  }
  assert.deepEqual(complaintsAbout({ ...nats, servers: ["nats://localhost"], tls: { ca } }), []);
});
