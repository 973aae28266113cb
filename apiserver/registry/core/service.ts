/**
 * What a Service gets that its author leaves to the cluster. Nobody listens there on a laptop: addresses and ports are
 * those of the usual ranges, spread by a hash of the Service's name, so that the same name gets the same.
 */
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import { isSet, listOf, numberOf, objectOf, textOf } from "../../machinery/fields.ts";
import { deepEqual, isObject } from "../../machinery/json.ts";
import { withDefaults } from "./pod-defaults.ts";
import { nodePorts } from "./validation/service.ts";

const isName = (spec: JsonObject | undefined): boolean => textOf(spec, "type") === "ExternalName";
const isExternal = (spec: JsonObject | undefined): boolean =>
  ["NodePort", "LoadBalancer"].includes(textOf(spec, "type"));

/** Three hours. */
const defaultAffinitySeconds = 10_800;

export function withServiceDefaults(service: KubeObject): KubeObject {
  const given = objectOf(service, "spec");
  const complete = withDefaults(given, { type: "ClusterIP", sessionAffinity: "None" });
  const { sessionAffinityConfig, ...plain } = complete;
  // Nobody stays with a pod, so nothing says for how long.
  const spec = complete.sessionAffinity === "None" ? plain : complete;
  const ports = listOf(spec, "ports").map((port) => (isObject(port) ? withPortDefaults(port) : port));
  return {
    ...service,
    spec: {
      ...(isName(spec) ? {} : { internalTrafficPolicy: "Cluster" }),
      ...(textOf(spec, "sessionAffinity") === "ClientIP"
        ? { sessionAffinityConfig: { clientIP: { timeoutSeconds: defaultAffinitySeconds } } }
        : {}),
      ...(textOf(spec, "type") === "LoadBalancer" ? { allocateLoadBalancerNodePorts: true } : {}),
      ...(isExternal(spec) ? withDefaults(spec, { externalTrafficPolicy: "Cluster" }) : spec),
      ...(ports.length === 0 ? {} : { ports }),
    },
  };
}

/** Go has one zero for a target that is a number or a name, and its clients send it where the author named none. */
function withPortDefaults(port: JsonObject): JsonObject {
  const { targetPort, ...rest } = withDefaults(port, { protocol: "TCP" });
  const isNamed = targetPort !== undefined && targetPort !== 0 && targetPort !== "";
  return { ...rest, targetPort: isNamed ? targetPort : (numberOf(port, "port") ?? 0) };
}

export function withAddress(service: KubeObject): KubeObject {
  return withAddresses(withNodePorts(service, undefined));
}

/** What was given stays, as long as the Service's type has a use for it. */
export function keepingAddress(service: KubeObject, old: KubeObject): KubeObject {
  const [spec, oldSpec] = [objectOf(service, "spec"), objectOf(old, "spec")];
  if (isName(spec)) return withNodePorts(withoutAddresses(service, oldSpec), old);
  const given = withoutUnused(spec, oldSpec);
  const kept = isName(oldSpec) ? "" : textOf(oldSpec, "clusterIP");
  const clusterIP = textOf(spec, "clusterIP") || kept;
  // Whoever changes the address means the list as well.
  if (deepEqual(spec?.clusterIPs ?? null, oldSpec?.clusterIPs ?? null)) delete given.clusterIPs;
  return withAddresses(
    withNodePorts({ ...service, spec: { ...given, ...(clusterIP === "" ? {} : { clusterIP }) } }, old),
  );
}

/** What the new type has no use for goes with the old one, unless its author changed it meanwhile. */
function withoutUnused(spec: JsonObject | undefined, oldSpec: JsonObject | undefined): JsonObject {
  const unused = new Set([
    ...(isExternal(spec) ? [] : ["externalTrafficPolicy"]),
    ...(textOf(spec, "type") === "LoadBalancer"
      ? []
      : ["allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"]),
  ]);
  return Object.fromEntries(
    Object.entries(spec ?? {}).filter(([field, value]) => !unused.has(field) || value !== oldSpec?.[field]),
  );
}

/** A manifest that turns a Service into a name need not know what it had. */
function withoutAddresses(service: KubeObject, oldSpec: JsonObject | undefined): KubeObject {
  const {
    clusterIP,
    clusterIPs: _clusterIPs,
    ipFamilies: _f,
    ipFamilyPolicy: _p,
    internalTrafficPolicy: _t,
    ...spec
  } = objectOf(service, "spec") ?? {};
  const foreign = clusterIP !== undefined && clusterIP !== oldSpec?.clusterIP;
  return { ...service, spec: { ...spec, ...(foreign ? { clusterIP } : {}) } };
}

function withAddresses(service: KubeObject): KubeObject {
  const spec = objectOf(service, "spec");
  if (isName(spec)) return service;
  const given = listOf(spec, "clusterIPs");
  // A list without its first address is for validation to refuse.
  if (given.length > 0 && textOf(spec, "clusterIP") === "") return service;
  const clusterIP = textOf(spec, "clusterIP") || clusterAddress(service);
  // Nobody knows the families of pods that nobody selects.
  const any = clusterIP === "None" && !isSet(spec, "selector");
  return {
    ...service,
    spec: {
      ipFamilies: any ? ["IPv4", "IPv6"] : ["IPv4"],
      ipFamilyPolicy: any ? "RequireDualStack" : "SingleStack",
      ...spec,
      clusterIP,
      clusterIPs: given.length > 0 ? [...given] : [clusterIP],
    },
  };
}

function withNodePorts(service: KubeObject, old: KubeObject | undefined): KubeObject {
  const spec = objectOf(service, "spec");
  const ports = listOf(spec, "ports");
  if (ports.length === 0) return service;
  const had = new Map(
    listOf(objectOf(old, "spec"), "ports")
      .filter(isObject)
      .map((port) => [portKey(port), port.nodePort]),
  );
  const wanted = isExternal(spec);
  const next = ports.map((port) => {
    if (!isObject(port)) return port;
    const before = had.get(portKey(port));
    if (wanted && !isSet(port, "nodePort")) return { ...port, nodePort: before ?? nodePortOf(service, port) };
    if (wanted || port.nodePort !== before) return port;
    const { nodePort: _nodePort, ...rest } = port;
    return rest;
  });
  return { ...service, spec: { ...spec, ports: next } };
}

const portKey = (port: JsonObject): string => `${textOf(port, "protocol")}/${numberOf(port, "port")}`;

function hashOf(text: string): number {
  let hash = 0;
  for (const char of text) hash = (hash * 31 + char.charCodeAt(0)) % 65_000;
  return hash;
}

function clusterAddress({ metadata: { namespace, name } }: KubeObject): string {
  const hash = hashOf(`${namespace}/${name}`);
  return `10.96.${(hash >> 8) & 255}.${hash & 255 || 1}`;
}

function nodePortOf({ metadata: { namespace, name } }: KubeObject, port: JsonObject): number {
  const hash = hashOf(`${namespace}/${name}/${portKey(port)}`);
  return nodePorts.first + (hash % (nodePorts.last - nodePorts.first + 1));
}
