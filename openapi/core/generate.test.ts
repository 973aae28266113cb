import assert from "node:assert/strict";
import { test } from "node:test";
import { isRef, ref, resolve, type Schema, type SchemaOrRef } from "../schema.ts";
import { anyTypes, atomicMaps, defaults, enums, kinds, lists, quantities, undocumented } from "./facts.ts";
import { componentName } from "./generate.ts";
import { loadCoreSchemas } from "./load.ts";

const schemas = await loadCoreSchemas();
const core = (type: string) => `io.k8s.api.core.v1.${type}`;
const meta = (type: string) => `io.k8s.apimachinery.pkg.apis.meta.v1.${type}`;
const quantity = ref("io.k8s.apimachinery.pkg.api.resource.Quantity");

function schemaOf(name: string): Schema {
  return resolve(schemas, ref(name));
}

function propertyOf(name: string, property: string): SchemaOrRef {
  const schema = schemaOf(name).properties?.[property];
  assert.ok(schema, `${name} has no ${property}`);
  return schema;
}

function withoutDescription({ description: _, ...rest }: SchemaOrRef): SchemaOrRef {
  return rest;
}

test("every fact names a field or a type that the models have", () => {
  const fields = [
    ...Object.keys({ ...anyTypes, ...lists, ...defaults, ...enums }),
    ...quantities,
    ...atomicMaps,
    ...Object.keys(undocumented),
  ];
  for (const fact of fields) {
    const [model = "", field] = fact.split(".");
    if (field === undefined) assert.ok(schemas.has(componentName(model)), fact);
    else propertyOf(componentName(model), field);
  }
});

test("every map list names keys that its entries have, and that are required or have a default", () => {
  for (const path of Object.keys(lists)) {
    const [model = "", field = ""] = path.split(".");
    const list = propertyOf(componentName(model), field);
    if (isRef(list) || list["x-kubernetes-list-type"] !== "map") continue;
    assert.ok(list.items, path);
    const entry = resolve(schemas, list.items);
    for (const key of list["x-kubernetes-list-map-keys"] ?? []) assert.ok(entry.properties?.[key], `${path}: ${key}`);
  }
});

test("kinds carry their group, version and kind", () => {
  for (const { group, version, models } of kinds) {
    for (const model of models) {
      const name = componentName(model);
      const kind = name.slice(name.lastIndexOf(".") + 1);
      assert.deepEqual(schemaOf(name)["x-kubernetes-group-version-kind"], [{ group, version, kind }]);
    }
  }
});

const packageCases: Record<string, string> = {
  V1Container: core("Container"),
  CoreV1EventSeries: core("EventSeries"),
  EventsV1EventSeries: "io.k8s.api.events.v1.EventSeries",
  V1ObjectMeta: meta("ObjectMeta"),
  V1StatusDetails: meta("StatusDetails"),
  V1LabelSelector: meta("LabelSelector"),
  V1LabelSelectorAttributes: "io.k8s.api.authorization.v1.LabelSelectorAttributes",
  V1StatefulSetSpec: "io.k8s.api.apps.v1.StatefulSetSpec",
  V1PodTemplateSpec: core("PodTemplateSpec"),
  V1PodFailurePolicyRule: "io.k8s.api.batch.v1.PodFailurePolicyRule",
  V1Scale: "io.k8s.api.autoscaling.v1.Scale",
  V1ScaleIOVolumeSource: core("ScaleIOVolumeSource"),
  V2MetricSpec: "io.k8s.api.autoscaling.v2.MetricSpec",
  RbacV1Subject: "io.k8s.api.rbac.v1.Subject",
  V1RoleRef: "io.k8s.api.rbac.v1.RoleRef",
  V1SubjectAccessReviewSpec: "io.k8s.api.authorization.v1.SubjectAccessReviewSpec",
  V1ResourceRequirements: core("ResourceRequirements"),
  AuthenticationV1TokenRequest: "io.k8s.api.authentication.v1.TokenRequest",
  V1SelfSubjectReviewStatus: "io.k8s.api.authentication.v1.SelfSubjectReviewStatus",
};
for (const [model, name] of Object.entries(packageCases)) {
  test(`${model} is named as upstream: ${name}`, () => {
    assert.equal(componentName(model), name);
    assert.ok(schemas.has(name));
  });
}

const fieldCases: Record<string, { of: string; field: string; schema: SchemaOrRef }> = {
  "a list by key": {
    of: core("Container"),
    field: "env",
    schema: {
      type: "array",
      items: ref(core("EnvVar")),
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      "x-kubernetes-patch-merge-key": "name",
      "x-kubernetes-patch-strategy": "merge",
      "x-functionmesh-duplicates": "tolerated",
    },
  },
  "a list without facts": {
    of: core("Container"),
    field: "command",
    schema: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "atomic" },
  },
  "the items of a list kind": {
    of: core("PodList"),
    field: "items",
    schema: { type: "array", items: ref(core("Pod")) },
  },
  "a map of quantities": {
    of: core("ResourceRequirements"),
    field: "limits",
    schema: { type: "object", additionalProperties: quantity },
  },
  "a key with a default": {
    of: core("ContainerPort"),
    field: "protocol",
    schema: { type: "string", enum: ["SCTP", "TCP", "UDP"], default: "TCP" },
  },
  "a map of bytes": {
    of: core("Secret"),
    field: "data",
    schema: { type: "object", additionalProperties: { type: "string", format: "byte" } },
  },
  "a write-only convenience": {
    of: core("Secret"),
    field: "stringData",
    schema: { type: "object", additionalProperties: { type: "string" } },
  },
  "an integer": { of: core("ContainerPort"), field: "containerPort", schema: { type: "integer", format: "int32" } },
  "a list of integers": {
    of: core("PodSecurityContext"),
    field: "supplementalGroups",
    schema: { type: "array", items: { type: "integer", format: "int64" }, "x-kubernetes-list-type": "atomic" },
  },
  "a port by number or name": {
    of: core("HTTPGetAction"),
    field: "port",
    schema: ref("io.k8s.apimachinery.pkg.util.intstr.IntOrString"),
  },
  "a point in time": { of: meta("ObjectMeta"), field: "creationTimestamp", schema: ref(meta("Time")) },
  "a point in time in microseconds": {
    of: "io.k8s.api.coordination.v1.LeaseSpec",
    field: "renewTime",
    schema: ref(meta("MicroTime")),
  },
  "a free-form tree": { of: meta("ManagedFieldsEntry"), field: "fieldsV1", schema: ref(meta("FieldsV1")) },
  "an atomic map": {
    of: core("PodSpec"),
    field: "nodeSelector",
    schema: { type: "object", additionalProperties: { type: "string" }, "x-kubernetes-map-type": "atomic" },
  },
};
for (const [name, { of, field, schema }] of Object.entries(fieldCases)) {
  test(`generated: ${name}`, () => assert.deepEqual(withoutDescription(propertyOf(of, field)), schema));
}

test("what the models require is required", () => {
  assert.deepEqual(schemaOf(core("Container")).required, ["name"]);
  assert.deepEqual(schemaOf(core("VolumeMount")).required, ["mountPath", "name"]);
  assert.deepEqual(schemaOf(meta("OwnerReference")).required?.toSorted(), ["apiVersion", "kind", "name", "uid"]);
  assert.equal(schemaOf(core("Pod")).required, undefined);
});

test("fields that every object has are described where the models don't", () => {
  for (const type of [core("Pod"), core("PodList"), meta("Status")])
    assert.ok(propertyOf(type, "metadata").description);
  assert.ok(propertyOf(meta("DeleteOptions"), "preconditions").description);
});
