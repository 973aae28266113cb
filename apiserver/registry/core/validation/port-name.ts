/** Longest name of a port (RFC 6335). */
const maxLength = 15;

/** Names of ports of containers, by which Services and probes find them. */
export function portNameProblems(name: string): readonly string[] {
  const problems: string[] = [];
  if (name.length > maxLength) problems.push(`must be no more than ${maxLength} characters`);
  if (!/^[-a-z0-9]+$/.test(name))
    problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(name)) problems.push("must contain at least one letter (a-z)");
  if (name.includes("--")) problems.push("must not contain consecutive hyphens");
  if (name.startsWith("-") || name.endsWith("-")) problems.push("must not begin or end with a hyphen");
  return problems;
}
