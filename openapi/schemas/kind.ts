import { list, text } from "../nodes.ts";
import { ref, type Schema, type SchemaOrRef } from "../schema.ts";

/** The API group this server exists for, and the version of it that these schemas are of. */
export const group = "compute.functionmesh.io";
export const version = "v1alpha1";
const metaPackage = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** @returns the component name of one of our types, e.g. `io.functionmesh.compute.v1alpha1.Function` */
export function componentName(type: string): string {
  return `io.functionmesh.compute.${version}.${type}`;
}

const apiVersion = text(
  `The version of this object's schema: ${group}/${version}. The server converts recognised versions and refuses others.`,
);
const kind = text(
  "The type of this object, in CamelCase. It is implied by the URL that the object is sent to and can't be changed.",
);

/**
 * The components of one kind: itself and its list.
 *
 * @param parts.keepUnknownMembers  what stands beside `spec` stays, as the public CRDs say (FM 1.1, 1.2)
 */
export function kindSchemas(
  name: string,
  description: string,
  parts: { spec: SchemaOrRef; status: SchemaOrRef; keepUnknownMembers?: true },
): [name: string, schema: Schema][] {
  const object: Schema = {
    type: "object",
    description,
    properties: {
      apiVersion,
      kind,
      metadata: ref(`${metaPackage}.ObjectMeta`, {
        description: "Name, namespace, labels, annotations, owners and what else all objects have in common.",
      }),
      spec: parts.spec,
      status: parts.status,
    },
    ...(parts.keepUnknownMembers && { "x-kubernetes-preserve-unknown-fields": true }),
    "x-kubernetes-group-version-kind": [{ group, version, kind: name }],
  };
  const objects: Schema = {
    type: "object",
    description: `A list of ${name} objects.`,
    required: ["items"],
    properties: {
      apiVersion,
      kind,
      metadata: ref(`${metaPackage}.ListMeta`, {
        description: "The revision that the list shows, and how to continue it when it was limited.",
      }),
      items: list(ref(componentName(name)), `The ${name} objects, in order of namespace and name.`, {}),
    },
    "x-kubernetes-group-version-kind": [{ group, version, kind: `${name}List` }],
  };
  return [
    [componentName(name), object],
    [componentName(`${name}List`), objects],
  ];
}
