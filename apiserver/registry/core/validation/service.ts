/** What Services may ask for, on a host that hands out IPv4 addresses. */
import { isIP } from "node:net";
import type { JsonObject, KubeObject } from "../../../apis/meta/v1.ts";
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalid,
  joinPath,
  notSupported,
  path,
  required,
} from "../../../errors/field-error.ts";
import { isSet, listOf, numberOf, objectOf, textOf, textsOf } from "../../../machinery/fields.ts";
import { labelProblems, qualifiedNameProblems, subdomainProblems } from "../../../machinery/names.ts";
import { validateLabels } from "../../../machinery/object-meta.ts";
import { atLeast, entriesAt, named, portNameProblems, portRange, textsIn } from "./checks.ts";

/** Ports of nodes for Services; the range kube-apiserver has by default. */
export const nodePorts = { first: 30_000, last: 32_767 } as const;

const addressRule = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const hasNodePorts = (type: string): boolean => type === "NodePort" || type === "LoadBalancer";

export function validateService(service: KubeObject): readonly FieldError[] {
  const spec = objectOf(service, "spec");
  const type = textOf(spec, "type");
  const headless = textOf(spec, "clusterIP") === "None";
  const ports = entriesAt(listOf(spec, "ports"), path("spec", "ports"));
  return [
    ...(ports.length === 0 && !headless && type !== "ExternalName" ? [required(path("spec", "ports"), "")] : []),
    ...ports.flatMap(([port, at]) => portErrors(port, at, { type, needsName: ports.length > 1 })),
    ...repeatedPorts(ports),
    ...validateLabels(textsIn(spec, "selector"), path("spec", "selector")),
    ...addressErrors(spec, type, headless),
    ...affinityErrors(spec),
    ...trafficErrors(spec, type),
  ];
}

function portErrors(
  port: JsonObject,
  at: string,
  { type, needsName }: { readonly type: string; readonly needsName: boolean },
): readonly FieldError[] {
  const name = textOf(port, "name");
  const target = port.targetPort;
  const nodePort = numberOf(port, "nodePort") ?? 0;
  const targetAt = joinPath(at, "targetPort");
  return [
    ...(name === "" && needsName ? [required(joinPath(at, "name"), "")] : []),
    ...(name === "" ? [] : named(name, joinPath(at, "name"), labelProblems)),
    ...portRange(numberOf(port, "port") ?? 0, joinPath(at, "port")),
    ...(textOf(port, "appProtocol") === ""
      ? []
      : named(textOf(port, "appProtocol"), joinPath(at, "appProtocol"), qualifiedNameProblems)),
    ...(typeof target === "number" ? portRange(target, targetAt) : []),
    ...(typeof target === "string" ? named(target, targetAt, portNameProblems) : []),
    ...(nodePort === 0 ? [] : nodePortErrors(nodePort, joinPath(at, "nodePort"), type)),
  ];
}

function nodePortErrors(nodePort: number, at: string, type: string): readonly FieldError[] {
  if (!hasNodePorts(type)) return [forbiddenField(at, `may not be used when \`type\` is '${type}'`)];
  if (nodePort >= nodePorts.first && nodePort <= nodePorts.last) return [];
  return [
    invalid(
      at,
      nodePort,
      `provided port is not in the valid range. The range of valid ports is ${nodePorts.first}-${nodePorts.last}`,
    ),
  ];
}

function repeatedPorts(ports: readonly (readonly [JsonObject, string])[]): readonly FieldError[] {
  const [names, numbers] = [new Set<string>(), new Set<string>()];
  return ports.flatMap(([port, at]) => {
    const errors: FieldError[] = [];
    const name = textOf(port, "name");
    const number = `${numberOf(port, "port")}/${textOf(port, "protocol")}`;
    if (name !== "" && names.has(name)) errors.push(duplicate(joinPath(at, "name"), name));
    if (numbers.has(number)) {
      errors.push(duplicate(at, { port: numberOf(port, "port") ?? 0, protocol: textOf(port, "protocol") }));
    }
    names.add(name);
    numbers.add(number);
    return errors;
  });
}

function addressErrors(spec: JsonObject | undefined, type: string, headless: boolean): readonly FieldError[] {
  const clusterIP = textOf(spec, "clusterIP");
  const at = path("spec", "clusterIPs");
  if (type === "ExternalName") {
    const name = textOf(spec, "externalName");
    return [
      ...(clusterIP === "" ? [] : [forbiddenField(at, "may not be set when `type` is 'ExternalName'")]),
      ...(name === ""
        ? [required(path("spec", "externalName"), "")]
        : named(name.replace(/\.$/, ""), path("spec", "externalName"), subdomainProblems)),
    ];
  }
  if (headless && hasNodePorts(type)) {
    return [invalid(joinPath(at, 0), clusterIP, `may not be set to 'None' for ${type} services`)];
  }
  return [
    ...listErrors(spec, clusterIP, at),
    ...familyErrors(spec),
    ...(headless || clusterIP === "" ? [] : clusterAddressErrors(clusterIP, joinPath(at, 0))),
  ];
}

/** There is one address, and it is said twice. */
function listErrors(spec: JsonObject | undefined, clusterIP: string, at: string): readonly FieldError[] {
  const addresses = textsOf(spec, "clusterIPs");
  const [first] = addresses;
  if (first === undefined || first === clusterIP) return [];
  const detail =
    clusterIP === "" ? "must be empty when `clusterIP` is not specified" : "first value must match `clusterIP`";
  return [invalid(at, [...addresses], detail)];
}

function clusterAddressErrors(address: string, at: string): readonly FieldError[] {
  const version = isIP(address);
  if (version === 0) return [invalid(at, address, addressRule)];
  return version === 6 ? [invalid(at, [address], "IPv6 is not configured on this cluster")] : [];
}

function familyErrors(spec: JsonObject | undefined): readonly FieldError[] {
  if (textOf(spec, "clusterIP") === "None" && !isSet(spec, "selector")) return [];
  const at = path("spec", "ipFamilies");
  return [
    ...textsOf(spec, "ipFamilies").flatMap((family, index) =>
      family === "IPv6" ? [invalid(joinPath(at, index), family, "not configured on this cluster")] : [],
    ),
    ...(textOf(spec, "ipFamilyPolicy") === "RequireDualStack"
      ? [
          invalid(
            path("spec", "ipFamilyPolicy"),
            "RequireDualStack",
            "this cluster is not configured for dual-stack services",
          ),
        ]
      : []),
  ];
}

/** Longest time a client stays with one pod, in seconds: a day. */
const maxAffinitySeconds = 86_400;

function affinityErrors(spec: JsonObject | undefined): readonly FieldError[] {
  const config = objectOf(objectOf(spec, "sessionAffinityConfig"), "clientIP");
  if (config === undefined) return [];
  const at = path("spec", "sessionAffinityConfig");
  if (textOf(spec, "sessionAffinity") !== "ClientIP") {
    return [forbiddenField(at, "must not be set when session affinity is None")];
  }
  const seconds = numberOf(config, "timeoutSeconds") ?? 0;
  return seconds > 0 && seconds <= maxAffinitySeconds
    ? []
    : [
        invalid(
          joinPath(at, "clientIP", "timeoutSeconds"),
          seconds,
          `must be greater than 0 and less than ${maxAffinitySeconds}`,
        ),
      ];
}

function trafficErrors(spec: JsonObject | undefined, type: string): readonly FieldError[] {
  const policy = textOf(spec, "externalTrafficPolicy");
  const external = hasNodePorts(type) || listOf(spec, "externalIPs").length > 0;
  return [
    ...(policy === "" || external
      ? []
      : [invalid(path("spec", "externalTrafficPolicy"), policy, "may only be set for externally-accessible services")]),
    ...atLeast(spec, "healthCheckNodePort", "spec", 0),
    ...((numberOf(spec, "healthCheckNodePort") ?? 0) > 0 && !(type === "LoadBalancer" && policy === "Local")
      ? [
          invalid(
            path("spec", "healthCheckNodePort"),
            numberOf(spec, "healthCheckNodePort") ?? 0,
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
          ),
        ]
      : []),
    ...balancerErrors(spec, type),
    ...distributionErrors(spec),
    ...textsOf(spec, "externalIPs").flatMap((address, index) =>
      externalAddressErrors(address, path("spec", "externalIPs", index)),
    ),
  ];
}

/** What only a load balancer reads; `LoadBalancerSourceRanges` is how kube-apiserver spells its path. */
function balancerErrors(spec: JsonObject | undefined, type: string): readonly FieldError[] {
  const ranges = textsOf(spec, "loadBalancerSourceRanges");
  const rangesAt = path("spec", "LoadBalancerSourceRanges");
  const only = "may only be used when `type` is 'LoadBalancer'";
  if (type === "LoadBalancer") {
    return ranges.flatMap((range, index) =>
      isRange(range.trim())
        ? []
        : [
            invalid(
              joinPath(rangesAt, index),
              range,
              "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            ),
          ],
    );
  }
  return [
    ...(ranges.length > 0 ? [forbiddenField(rangesAt, only)] : []),
    ...["loadBalancerClass", "allocateLoadBalancerNodePorts"]
      .filter((field) => isSet(spec, field))
      .map((field) => forbiddenField(path("spec", field), only)),
  ];
}

function isRange(text: string): boolean {
  const [address = "", length = "", ...rest] = text.split("/");
  const version = isIP(address);
  return rest.length === 0 && version !== 0 && /^\d{1,3}$/.test(length) && Number(length) <= (version === 4 ? 32 : 128);
}

const distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"];

function distributionErrors(spec: JsonObject | undefined): readonly FieldError[] {
  const distribution = textOf(spec, "trafficDistribution");
  return distribution === "" || distributions.includes(distribution)
    ? []
    : [notSupported(path("spec", "trafficDistribution"), distribution, distributions)];
}

function externalAddressErrors(address: string, at: string): readonly FieldError[] {
  if (isIP(address) === 0) return [invalid(at, address, addressRule)];
  return /^127\.|^::1$/.test(address)
    ? [invalid(at, address, "may not be in the loopback range (127.0.0.0/8, ::1/128)")]
    : [];
}

/** The address is given once; only a change from or to a mere name gives it back. */
export function validateServiceUpdate(service: KubeObject, old: KubeObject): readonly FieldError[] {
  const [spec, oldSpec] = [objectOf(service, "spec"), objectOf(old, "spec")];
  const named = [spec, oldSpec].some((one) => textOf(one, "type") === "ExternalName");
  const [address, before] = [textOf(spec, "clusterIP"), textOf(oldSpec, "clusterIP")];
  const stays = textOf(spec, "type") === "LoadBalancer" && textOf(oldSpec, "type") === "LoadBalancer";
  const once = "may not change once set";
  return [
    ...(named || before === "" || address === before ? [] : [invalid(path("spec", "clusterIPs", 0), [address], once)]),
    ...(stays && textOf(spec, "loadBalancerClass") !== textOf(oldSpec, "loadBalancerClass")
      ? [invalid(path("spec", "loadBalancerClass"), textOf(spec, "loadBalancerClass"), once)]
      : []),
  ];
}
