import { escapeHtml, quoteText } from "../errors/abridge.ts";
import { newForbidden, type StatusError } from "../errors/status-error.ts";
import type { Attributes } from "./authorizer.ts";

/**
 * The 403 for what an authorizer refused; tools parse its sentence, which may be shown on a page and so has no markup of
 * those it names (API E-31, E-32).
 */
export function newDenied(attributes: Attributes, reason = ""): StatusError {
  const why = `${escapeHtml(denialText(attributes))}${reason === "" ? "" : `: ${reason}`}`;
  return attributes.resourceRequest
    ? newForbidden({ group: attributes.group, resource: attributes.resource }, attributes.name, why)
    : newForbidden({ group: "", resource: "" }, "", why);
}

function denialText(attributes: Attributes): string {
  const who = `User ${quoteText(attributes.user.name)}`;
  if (!attributes.resourceRequest) return `${who} cannot ${attributes.verb} path ${JSON.stringify(attributes.path)}`;
  const { verb, resource, subresource, group, namespace } = attributes;
  const what = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  return `${who} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`;
}

type ResourceAttributes = Omit<Attributes & { readonly resourceRequest: true }, "resourceRequest">;

/** Attributes of a resource; what is not given is "all of it, everywhere". */
export function resourceAttributes(
  given: Pick<ResourceAttributes, "user" | "verb" | "resource"> & Partial<ResourceAttributes>,
): Attributes {
  return {
    resourceRequest: true,
    group: "",
    version: "",
    subresource: "",
    namespace: "",
    name: "",
    labelSelector: "",
    fieldSelector: "",
    ...given,
  };
}
