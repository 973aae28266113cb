/**
 * Topic names and package locations as Pulsar reads them (FM 3.2, 3.3).
 * Each check returns what is wrong in words for the user, or `undefined`.
 */
import { objectOf, textOf, textsOf } from "../../machinery/fields.ts";
import type { AnySpec } from "./defaults.ts";

const topicMaps = ["customSerdeSources", "customSchemaSources", "sourceSpecs"] as const;
/** @property path  below `input` */
export type Topic = { readonly topic: string; readonly path: readonly (string | number | { key: string })[] };

/** All topics, and patterns of them, that `spec` reads. */
export function inputTopics(spec: AnySpec): readonly Topic[] {
  const input = objectOf(spec, "input");
  const pattern = textOf(input, "topicPattern");
  return [
    ...textsOf(input, "topics").map((topic, index) => ({ topic, path: ["topics", index] })),
    ...(pattern === "" ? [] : [{ topic: pattern, path: ["topicPattern"] }]),
    ...topicMaps.flatMap((field) =>
      Object.keys(objectOf(input, field) ?? {}).map((topic) => ({ topic, path: [field, { key: topic }] })),
    ),
  ];
}

const domains = ["persistent", "non-persistent"];
const namePart = /^[-=:.A-Za-z0-9_]+$/;

export function topicProblem(topic: string): string | undefined {
  const detail =
    "must be a topic name: `topic`, `tenant/namespace/topic`, or the latter behind `persistent://` or `non-persistent://`";
  if (topic.trim() === "" || /[\t\r\n]/.test(topic)) return detail;
  const separator = topic.indexOf("://");
  if (separator === -1) {
    const segments = topic.split("/");
    if (segments.length === 1) return undefined;
    return segments.length === 3 && segmentsAreValid(segments) ? undefined : detail;
  }
  const domain = topic.slice(0, separator);
  if (!domains.includes(domain)) return `Pulsar has no topics of domain ${domain}, only ${domains.join(" and ")} ones`;
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
