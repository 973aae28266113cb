/**
 * What Kubernetes calls things, and what is wrong with a name that breaks the rules (API M-01, M-15, M-20, E-17). Every
 * check gives all its complaints, none for a good name; they are worded as kube-apiserver words them, since people search
 * for those sentences.
 */

const subdomainPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const labelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const qualifiedPattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValuePattern = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

const maxSubdomainBytes = 253;
const maxLabelBytes = 63;

const byteLength = (text: string): number => Buffer.byteLength(text);
const tooLong = (max: number, unit: Rule["unit"]): string => `must be no more than ${max} ${unit}`;

/** The end of every complaint about an alphabet: `(e.g. 'a',  or 'b', regex used for validation is '…')`. */
function regexHint(pattern: string, ...examples: string[]): string {
  return `(e.g. ${examples.map((example) => `'${example}', `).join(" or ")}regex used for validation is '${pattern}')`;
}

type Rule = {
  readonly pattern: string;
  readonly maxBytes: number;
  /** What its length is told in. */
  readonly unit: "bytes" | "characters";
  readonly complaint: string;
};

const subdomainRule: Rule = {
  pattern: subdomainPattern,
  maxBytes: maxSubdomainBytes,
  unit: "characters",
  complaint: `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character ${regexHint(subdomainPattern, "example.com")}`,
};
const labelRule: Rule = {
  pattern: labelPattern,
  maxBytes: maxLabelBytes,
  unit: "characters",
  complaint: `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character ${regexHint(labelPattern, "my-name", "123-abc")}`,
};
const labelValueRule: Rule = {
  pattern: labelValuePattern,
  maxBytes: maxLabelBytes,
  unit: "bytes",
  complaint: `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character ${regexHint(labelValuePattern, "MyValue", "my_value", "12345")}`,
};
const qualifiedAlphabet = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character ${regexHint(qualifiedPattern, "MyName", "my.name", "123-abc")}`;

function check(rule: Rule): (text: string) => string[] {
  const whole = new RegExp(`^${rule.pattern}$`);
  return (text) => {
    const problems: string[] = [];
    if (byteLength(text) > rule.maxBytes) problems.push(tooLong(rule.maxBytes, rule.unit));
    if (!whole.test(text)) problems.push(rule.complaint);
    return problems;
  };
}

/** Dotted lower-case names of at most 253 bytes: what most kinds require of `metadata.name`. */
export const subdomainProblems = check(subdomainRule);
/** One lower-case part of at most 63 bytes: namespaces, container names, ports. */
export function labelProblems(text: string): string[] {
  const problems = checkLabel(text);
  // A good name but for its dots is told of them alone.
  if (text.includes(".") && subdomainProblems(text).length === 0) {
    return problems.map((problem) => (problem === labelRule.complaint ? "must not contain dots" : problem));
  }
  return problems;
}
const checkLabel = check(labelRule);
/** The value of a label; may be empty. */
export const labelValueProblems = check(labelValueRule);

const qualifiedName = new RegExp(`^${qualifiedPattern}$`);

/** `name` or `prefix/name`: keys of labels, finalizers, condition types. */
export function qualifiedNameProblems(text: string): string[] {
  const parts = text.split("/");
  const [first = "", second] = parts;
  if (parts.length > 2) {
    return [
      `a valid label key ${qualifiedAlphabet} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const problems = second === undefined ? [] : prefixProblems(first);
  const name = second ?? first;
  if (name === "") problems.push("name part must be non-empty");
  else if (byteLength(name) > maxLabelBytes) problems.push(`name part ${tooLong(maxLabelBytes, "bytes")}`);
  if (!qualifiedName.test(name)) problems.push(`name part ${qualifiedAlphabet}`);
  return problems;
}

function prefixProblems(prefix: string): string[] {
  if (prefix === "") return ["prefix part must be non-empty"];
  return subdomainProblems(prefix).map((problem) => `prefix part ${problem}`);
}

/** The least that is asked of any name: it is one segment of a URL path. */
export function pathSegmentProblems(text: string): string[] {
  if (text === "." || text === "..") return [`may not be '${text}'`];
  return ["/", "%"].filter((part) => text.includes(part)).map((part) => `may not contain '${part}'`);
}

/** A name that will be followed by random characters: a trailing dash is fine in it (API M-03). */
export function withoutTrailingDash(base: string): string {
  return base.length > 1 && base.endsWith("-") ? `${base.slice(0, -2)}a` : base;
}

/** Vowels and look-alikes are left out, so that no word appears by chance. */
const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789";
const suffixLength = 5;
const maxBaseLength = maxLabelBytes - suffixLength;

/**
 * `base` cut to 58 bytes, with five random characters (API C-06).
 * @param random  uniform in [0, 1), as `Math.random`
 */
export function generateName(base: string, random: () => number): string {
  let name = base.slice(0, maxBaseLength);
  for (let i = 0; i < suffixLength; i++) name += suffixAlphabet.charAt(Math.floor(random() * suffixAlphabet.length));
  return name;
}

/** Whether `generateName` can have made `name` of `base`; a name that a user gave need not have anything of it. */
export function isGenerated(name: string, base: string): boolean {
  const kept = base.slice(0, maxBaseLength);
  return kept !== "" && name.length === kept.length + suffixLength && name.startsWith(kept);
}
