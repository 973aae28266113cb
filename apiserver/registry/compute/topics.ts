/**
 * Topic names and package locations as Pulsar reads them (FM 3.2, 3.3).
 * Each check returns what is wrong in words for the user, or `undefined`.
 */

const namePart = /^[-=:.A-Za-z0-9_]+$/;

export function topicProblem(topic: string): string | undefined {
  const detail =
    "must be a topic name: `topic`, `tenant/namespace/topic`, or the latter behind `persistent://` or `non-persistent://`";
  const separator = topic.indexOf("://");
  if (separator === -1) {
    const segments = topic.split("/");
    if (segments.length === 1) return topic === "" ? detail : undefined;
    return segments.length === 3 && segmentsAreValid(segments) ? undefined : detail;
  }
  const domain = topic.slice(0, separator);
  if (domain !== "persistent" && domain !== "non-persistent") return detail;
  const [tenant = "", namespace = "", ...rest] = topic.slice(separator + 3).split("/");
  return segmentsAreValid([tenant, namespace, rest.join("/")]) ? undefined : detail;
}

function segmentsAreValid([tenant = "", namespace = "", topic = ""]: readonly string[]): boolean {
  return namePart.test(tenant) && namePart.test(namespace) && topic !== "";
}

/** Schemes of Pulsar's package management service. */
const packageScheme = /^(function|source|sink):\/\//i;

export function locationProblem(location: string): string | undefined {
  if (/^https?:\/\//i.test(location)) return undefined;
  const detail =
    "must be an http:// or https:// URL, or a package such as function://tenant/namespace/name@version (also source:// and sink://)";
  if (!packageScheme.test(location)) return detail;
  const [, rest = "", ...more] = location.split("://");
  const [name = "", , ...versions] = rest.split("@");
  return more.length === 0 && versions.length === 0 && name.split("/").length === 3 ? undefined : detail;
}
