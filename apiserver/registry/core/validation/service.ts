/** What Services may ask for, on a host that hands out IPv4 addresses. */
import { isIP } from "node:net";
import type { JsonObject, KubeObject } from "../../../apis/meta/v1.ts";
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalid,
  joinPath,
  path,
  required,
} from "../../../errors/field-error.ts";
import { isSet, listOf, numberOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { labelProblems, subdomainProblems } from "../../../machinery/names.ts";
import { validateLabels } from "../../../machinery/object-meta.ts";
import { atLeast, entriesAt, named, portRange, textsIn, unchanged } from "./checks.ts";
import { portNameProblems } from "./port-name.ts";

/** Ports of nodes for Services; the range kube-apiserver has by default. */
export const nodePorts = { first: 30_000, last: 32_767 } as const;

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
  if (headless || clusterIP === "" || isIP(clusterIP) !== 0) return [];
  return [invalid(joinPath(at, 0), clusterIP, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
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
  ];
}

/** The address is given once; only a change from or to a mere name gives it back. */
export function validateServiceUpdate(service: KubeObject, old: KubeObject): readonly FieldError[] {
  const [spec, oldSpec] = [objectOf(service, "spec"), objectOf(old, "spec")];
  const named = [spec, oldSpec].some((one) => textOf(one, "type") === "ExternalName");
  return named || !isSet(oldSpec, "clusterIP") ? [] : unchanged(spec, oldSpec, ["clusterIP"], "spec");
}
