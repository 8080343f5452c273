import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { S3Error } from "../model/errors.ts";
import type { RoutingRule, WebsiteConfiguration } from "../model/types.generated.ts";
import { checkWebsite, encodeKey, findRedirection, redirectAll } from "./website-rules.ts";

const IndexDocument = { Suffix: "index.html" };
const elsewhere = { HostName: "example.com" };

function withRules(...RoutingRules: RoutingRule[]): WebsiteConfiguration {
  return { IndexDocument, RoutingRules };
}

const invalidProtocol =
  "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.";
const refused: readonly (readonly [WebsiteConfiguration, string, string?])[] = [
  [
    {},
    "InvalidArgument",
    "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
  ],
  [
    { IndexDocument: { Suffix: "" } },
    "InvalidArgument",
    "The IndexDocument Suffix is not well formed",
  ],
  [
    { IndexDocument: { Suffix: "a/b" } },
    "InvalidArgument",
    "The IndexDocument Suffix is not well formed",
  ],
  [{ IndexDocument, ErrorDocument: { Key: "" } }, "MalformedXML"],
  [
    { IndexDocument, RedirectAllRequestsTo: elsewhere },
    "InvalidArgument",
    "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
  ],
  [
    { RedirectAllRequestsTo: { HostName: "" } },
    "InvalidRequest",
    'A host name must be provided to redirect all requests (e.g. "example.com").',
  ],
  [{ RedirectAllRequestsTo: { ...elsewhere, Protocol: "ftp" } }, "InvalidRequest", invalidProtocol],
  [withRules(), "MalformedXML"],
  [
    withRules(...Array.from({ length: 51 }, () => ({ Redirect: elsewhere }))),
    "InvalidRequest",
    "51 routing rules provided, the number of routing rules in a website configuration is limited to 50.",
  ],
  [
    withRules({ Redirect: { ReplaceKeyWith: "a", ReplaceKeyPrefixWith: "b" } }),
    "InvalidRequest",
    "You can only define ReplaceKeyPrefix or ReplaceKey but not both.",
  ],
  [
    withRules({ Condition: {}, Redirect: elsewhere }),
    "InvalidRequest",
    "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
  ],
  [withRules({ Redirect: { Protocol: "HTTP" } }), "InvalidRequest", invalidProtocol],
  [
    withRules({ Redirect: { HttpRedirectCode: "300" } }),
    "InvalidRequest",
    "The provided HTTP redirect code (300) is not valid. Valid codes are 3XX except 300.",
  ],
  [
    withRules({ Redirect: { HttpRedirectCode: "314" } }),
    "InvalidRequest",
    "The provided HTTP redirect code (314) is not valid. Valid codes are 3XX except 300.",
  ],
  [withRules({ Redirect: {} }), "MalformedXML"],
  [
    withRules({ Condition: { HttpErrorCodeReturnedEquals: "302" }, Redirect: elsewhere }),
    "InvalidRequest",
    "The provided HTTP error code (302) is not valid. Valid codes are 4XX or 5XX.",
  ],
];

describe("websites that are refused", () => {
  for (const [website, code, message] of refused) {
    test(message ?? JSON.stringify(website), () => {
      assert.throws(
        () => checkWebsite(website),
        (error) =>
          error instanceof S3Error &&
          error.code === code &&
          (message === undefined || error.message === message),
      );
    });
  }
});

test("websites at the limits are accepted", () => {
  checkWebsite({ RedirectAllRequestsTo: { ...elsewhere, Protocol: "https" } });
  checkWebsite({ IndexDocument, ErrorDocument: { Key: "a/b.html" } });
  const Condition = { KeyPrefixEquals: "", HttpErrorCodeReturnedEquals: "503" };
  const Redirect = { ...elsewhere, Protocol: "http", HttpRedirectCode: "308", ReplaceKeyWith: "" };
  checkWebsite(withRules(...Array.from({ length: 50 }, () => ({ Condition, Redirect }))));
});

const here = { protocol: "https", host: "site.example:8443" } as const;

// The examples of the user guide ("Configuring webpage redirects"), and what rules are used for.
const redirections: readonly (readonly [RoutingRule, string, number | undefined, string])[] = [
  [
    { Condition: { KeyPrefixEquals: "docs/" }, Redirect: { ReplaceKeyPrefixWith: "documents/" } },
    "docs/a b/ü.html",
    undefined,
    "301 https://site.example:8443/documents/a%20b/%C3%BC.html",
  ],
  [
    {
      Condition: { KeyPrefixEquals: "images/" },
      Redirect: { ReplaceKeyWith: "folderdeleted.html" },
    },
    "images/a.jpg",
    undefined,
    "301 https://site.example:8443/folderdeleted.html",
  ],
  [
    {
      Condition: { HttpErrorCodeReturnedEquals: "404" },
      Redirect: { HostName: "host.example", ReplaceKeyPrefixWith: "report-404/" },
    },
    "a.html",
    404,
    "301 https://host.example/report-404/a.html",
  ],
  [
    {
      Condition: { HttpErrorCodeReturnedEquals: "404" },
      Redirect: { ReplaceKeyPrefixWith: "#!/", HttpRedirectCode: "302" },
    },
    "page",
    404,
    "302 https://site.example:8443/#!/page",
  ],
  [
    { Redirect: { HostName: "api.example", Protocol: "http", ReplaceKeyPrefixWith: "r?key=%20" } },
    "a/b?c",
    undefined,
    "301 http://api.example/r?key=%20a/b%3Fc",
  ],
  [{ Redirect: { HostName: "a.example" } }, "", undefined, "301 https://a.example/"],
];

test("a rule says where", () => {
  for (const [rule, key, error, expected] of redirections) {
    const found = findRedirection([rule], { ...here, key }, error);
    assert.equal(`${found?.status} ${found?.location}`, expected);
  }
});

test("the first rule that fits decides, before and after the error by itself", () => {
  const rules: readonly RoutingRule[] = [
    { Condition: { KeyPrefixEquals: "a/" }, Redirect: { HostName: "one" } },
    {
      Condition: { KeyPrefixEquals: "b/", HttpErrorCodeReturnedEquals: "404" },
      Redirect: { HostName: "two" },
    },
    { Condition: { HttpErrorCodeReturnedEquals: "404" }, Redirect: { HostName: "three" } },
    { Condition: { KeyPrefixEquals: "a" }, Redirect: { HostName: "four" } },
  ];
  const find = (key: string, error?: number): string | undefined => {
    const location = findRedirection(rules, { ...here, key }, error)?.location;
    return location === undefined ? undefined : new URL(location).host;
  };
  assert.equal(find("a/x"), "one");
  assert.equal(find("ax"), "four");
  assert.equal(find("b/x"), undefined);
  assert.equal(find("b/x", 404), "two");
  assert.equal(find("c", 404), "three");
  assert.equal(find("c", 403), undefined);
});

test("everything goes elsewhere with its path and query", () => {
  const { status, location } = redirectAll(elsewhere, here, "/a%20b?c=d");
  assert.deepEqual([status, location], [301, "https://example.com/a%20b?c=d"]);
  const { location: other } = redirectAll({ ...elsewhere, Protocol: "http" }, here, "/");
  assert.equal(other, "http://example.com/");
  assert.equal(encodeKey("a/ü?#%"), "a/%C3%BC%3F%23%25");
});
