// Text as XML holds it.

// What text may not hold as it is: markup, a carriage return (a parser would drop it), and what XML
// 1.0 has no character for.
const escapable = String.raw`[&<>"\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]`;
const needsEscape = new RegExp(escapable);
const everyEscape = new RegExp(escapable, "g");

/**
 * Characters that XML 1.0 cannot carry are written as references all the same (`&#x1;`), as S3 does:
 * its clients that expect such keys ask for `encoding-type=url`.
 */
export function escapeXml(text: string): string {
  return needsEscape.test(text) ? text.replaceAll(everyEscape, escapeCharacter) : text;
}

/** As S3 writes the texts of errors: with quotation marks as they are (github.com/tj/node-s3-policy/pull/8). */
export function escapeXmlText(text: string): string {
  return escapeXml(text).replaceAll("&quot;", '"');
}

function escapeCharacter(character: string): string {
  switch (character) {
    case "&":
      return "&amp;";
    case "<":
      return "&lt;";
    case ">":
      return "&gt;";
    case '"':
      return "&quot;";
    case "\r":
      return "&#13;";
    default:
      return `&#x${character.charCodeAt(0).toString(16)};`;
  }
}
