/** Whether a text names an image, as container runtimes read it: `registry:port/path:tag@digest`. */

const pathPart = "[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*";
const domainPart = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const domain = `(?:${domainPart}(?:[.]${domainPart})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?`;
const tag = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const digest = "[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}";
const reference = new RegExp(`^(?:${domain}/)?${pathPart}(?:/${pathPart})*(?::${tag})?(?:@${digest})?$`);

/** Longest name of an image, in characters; with tag and digest a reference is hardly longer. */
const maxLength = 512;

/** What is wrong, in words for the user, or `undefined`. A kubelet says InvalidImageName, and only once a pod exists. */
export function imageProblem(image: string): string | undefined {
  const wellFormed = image.length <= maxLength && reference.test(image);
  return wellFormed ? undefined : "must be an image reference such as registry.example.org/team/name:1.0";
}
