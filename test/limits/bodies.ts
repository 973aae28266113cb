/** Bodies built to be expensive, each of a size that grows along `n`: what a tenant can make of one object. */
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";

/** Text of a body. @param n  how often its expensive part is there */
export type Body = (n: number) => string;
/** The same, of a media type that is no text. */
export type Bytes = (n: number) => Uint8Array;

export const list = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const map = <T>(n: number, make: (i: number) => T, name = (i: number) => `k${i}`): { [key: string]: T } =>
  Object.fromEntries(list(n, (i) => [name(i), make(i)]));
const nested = (depth: number, open: string, inner: string, close: string): string =>
  `${open.repeat(depth)}${inner}${close.repeat(depth)}`;

const owner = (i: number) => ({ apiVersion: "v1", kind: "ConfigMap", name: `n${i}`, uid: `u${i}` });

/** What every kind has: `metadata`, and members that it doesn't have. */
export const metadataBodies: {
  readonly [what: string]: { readonly n: number; readonly metadata: (n: number) => JsonObject };
} = {
  owners: { n: 1500, metadata: (n) => ({ ownerReferences: list(n, owner) }) },
  "equal owners": { n: 1500, metadata: (n) => ({ ownerReferences: list(n, () => owner(0)) }) },
  controllers: { n: 1500, metadata: (n) => ({ ownerReferences: list(n, (i) => ({ ...owner(i), controller: true })) }) },
  finalizers: { n: 600, metadata: (n) => ({ finalizers: list(n, (i) => `example.org/finalizer-${i}`) }) },
  "bad finalizers": { n: 600, metadata: (n) => ({ finalizers: list(n, (i) => `-bad-${i}`) }) },
  labels: { n: 600, metadata: (n) => ({ labels: map(n, (i) => `v${i}`) }) },
  "too many labels": { n: 5000, metadata: (n) => ({ labels: map(n, (i) => `v${i}`) }) },
  "too many finalizers": { n: 6000, metadata: (n) => ({ finalizers: list(n, (i) => `example.org/finalizer-${i}`) }) },
  "bad labels": {
    n: 600,
    metadata: (n) => ({
      labels: map(
        n,
        () => "-",
        (i) => `-${i}`,
      ),
    }),
  },
  "fields of one manager": {
    n: 2000,
    metadata: (n) => ({
      managedFields: [
        {
          manager: "m",
          operation: "Update",
          apiVersion: "v1",
          fieldsType: "FieldsV1",
          fieldsV1: {
            "f:data": map(
              n,
              () => ({}),
              (i) => `f:a${i}`,
            ),
          },
        },
      ],
    }),
  },
  annotations: { n: 600, metadata: (n) => ({ annotations: map(n, (i) => `v${i}`) }) },
  "managed fields": {
    n: 500,
    metadata: (n) => ({
      managedFields: list(n, (i) => ({
        manager: `m${i}`,
        operation: "Update",
        apiVersion: "v1",
        fieldsType: "FieldsV1",
        fieldsV1: { "f:data": { "f:a": {} } },
      })),
    }),
  },
  "unknown members": { n: 5000, metadata: (n) => map(n, () => 1) },
  "a long name": { n: 100_000, metadata: (n) => ({ name: "x".repeat(n) }) },
};

/** The text of an object with more in it, put before its last brace: members may be given twice. */
const withMembers = (object: JsonObject, members: string): string =>
  `${JSON.stringify(object).slice(0, -1)},${members}}`;

/** What costs a parser, whatever the kind. */
export const parserBodies: { readonly [what: string]: { readonly n: number; readonly members: Body } } = {
  "members given twice": { n: 10_000, members: (n) => list(n, (i) => `"x":${i}`).join() },
  "deep members given twice": {
    n: 1000,
    members: (n) =>
      `"y":${nested(
        n,
        '{"a":',
        `[${Array(5 * n)
          .fill('{"b":1,"b":1}')
          .join()}]`,
        "}",
      )}`,
  },
  "deep objects": { n: 1000, members: (n) => `"y":${nested(n, '{"a":', "1", "}")}` },
  "deep lists": { n: 1000, members: (n) => `"y":${nested(n, "[", "1", "]")}` },
  numbers: { n: 100_000, members: (n) => `"y":[${"0,".repeat(n)}1.0]` },
  "decimals with zeros": { n: 50_000, members: (n) => `"y":[${"1.0,".repeat(n)}1.0]` },
  "a long number": { n: 200_000, members: (n) => `"y":${"1".repeat(n)}` },
  "surrogates without partner": { n: 30_000, members: (n) => `"y":"${"\\ud800".repeat(n)}"` },
  backslashes: { n: 100_000, members: (n) => `"y":"${"\\\\".repeat(n)}"` },
  "white space": { n: 200_000, members: (n) => `"y":${" ".repeat(n)}1` },
};
export const parserBody =
  (object: JsonObject, members: Body): Body =>
  (n) =>
    withMembers(object, members(n));

/** YAML is read by another parser. */
export const yamlBodies: { readonly [what: string]: { readonly n: number; readonly body: Body } } = {
  aliases: { n: 1000, body: (n) => `a: &x 1\nb: [${"*x,".repeat(n)}]\n` },
  "aliases of aliases": {
    n: 3,
    body: (n) => `l0: &l0 [x]\n${list(n, (i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]\n`).join("")}`,
  },
  merges: { n: 1000, body: (n) => `b: &b {x: 1}\na: {<<: [${"*b,".repeat(n)}]}\n` },
  "a flow list": { n: 5000, body: (n) => `a: [${"1,".repeat(n)}]\n` },
  keys: { n: 2500, body: (n) => list(n, (i) => `a${i}: 1\n`).join("") },
  "repeated keys": { n: 2500, body: (n) => "a: 1\n".repeat(n) },
  anchors: { n: 1500, body: (n) => list(n, (i) => `a${i}: &x${i} 1\n`).join("") },
  "a block of text": { n: 5000, body: (n) => `a: |\n${"  x\n".repeat(n)}` },
  "quotes in one text": { n: 90_000, body: (n) => `a: '${"''".repeat(n)}'\n` },
  comments: { n: 5000, body: (n) => `${"# x\n".repeat(n)}a: 1\n` },
  "deep indentation": { n: 60, body: (n) => list(n, (i) => `${" ".repeat(i)}a:`).join("\n") },
};

/** A Function that is accepted, with whatever else is in its spec. */
export const functionWith = (spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  metadata: { name: "hostile", ...metadata },
  spec: {
    className: "a.B",
    input: { topics: ["a"] },
    pulsar: { pulsarConfig: "p" },
    java: { jar: "/a.jar" },
    ...spec,
  },
});

const container = { name: "c", image: "i" };
const podSpec = (more: JsonObject): JsonObject => ({ containers: [{ ...container, ...more }] });
const setWith = (template: JsonObject, spec: JsonObject = {}): JsonObject => ({
  metadata: { name: "hostile" },
  spec: {
    serviceName: "x",
    selector: { matchLabels: { a: "b" } },
    template: { metadata: { labels: { a: "b" } }, spec: template },
    ...spec,
  },
});
const values = (prefix: string, n: number): string[] => list(n, (i) => `${prefix}${i}`);

/** What costs the schema, the rules and the admission of one kind. */
export const kindBodies: {
  readonly [what: string]: {
    readonly resource: keyof typeof collections;
    readonly n: number;
    readonly object: (n: number) => JsonObject;
  };
} = {
  "configuration of numbers": {
    resource: "functions",
    n: 80_000,
    object: (n) => functionWith({ funcConfig: { l: list(n, () => 0) } }),
  },
  "configuration of keys": {
    resource: "functions",
    n: 8000,
    object: (n) => functionWith({ funcConfig: map(n, () => 0) }),
  },
  topics: { resource: "functions", n: 5000, object: (n) => functionWith({ input: { topics: values("t", n) } }) },
  "topics of the wrong type": {
    resource: "functions",
    n: 30_000,
    object: (n) => functionWith({ input: { topics: list(n, () => 0) } }),
  },
  "sources of a topic": {
    resource: "functions",
    n: 3000,
    object: (n) => functionWith({ input: { sourceSpecs: map(n, () => ({})) } }),
  },
  "unknown members below a long key": {
    resource: "functions",
    n: 700,
    object: (n) => functionWith({ input: { sourceSpecs: { ["k".repeat(100 * n)]: map(n, () => 1) } } }),
  },
  "a long quantity": {
    resource: "functions",
    n: 100_000,
    object: (n) => functionWith({ resources: { limits: { cpu: `0.${"1".repeat(n)}` } } }),
  },
  quantities: {
    resource: "functions",
    n: 3000,
    object: (n) => functionWith({ resources: { limits: map(n, () => "1") } }),
  },
  secrets: {
    resource: "functions",
    n: 2000,
    object: (n) => functionWith({ secretsMap: map(n, () => ({ path: "p", key: "k" })) }),
  },
  "environment of a pod": {
    resource: "functions",
    n: 600,
    object: (n) => functionWith({ pod: { env: list(n, (i) => ({ name: `V${i}`, value: "x" })) } }),
  },
  "volumes of a pod": {
    resource: "functions",
    n: 300,
    object: (n) =>
      functionWith({
        pod: { volumes: list(n, (i) => ({ name: `v${i}`, emptyDir: {} })) },
        volumeMounts: list(n, (i) => ({ name: `v${i}`, mountPath: `/m${i}` })),
      }),
  },
  members: {
    resource: "functionmeshes",
    n: 120,
    object: (n) => ({
      metadata: { name: "hostile" },
      spec: { functions: list(n, (i) => ({ ...functionSpec, name: `f${i}` })) },
    }),
  },
  data: {
    resource: "configmaps",
    n: 8000,
    object: (n) => ({ metadata: { name: "hostile" }, data: map(n, () => "v") }),
  },
  "bad data": {
    resource: "configmaps",
    n: 8000,
    object: (n) => ({
      metadata: { name: "hostile" },
      data: map(
        n,
        () => "v",
        (i) => `/${i}`,
      ),
    }),
  },
  "a role that multiplies": {
    resource: "roles",
    n: 100,
    object: (n) => ({
      metadata: { name: "hostile" },
      rules: [{ verbs: values("v", n), apiGroups: values("g", n), resources: values("r", n) }],
    }),
  },
  "many rules": {
    resource: "roles",
    n: 600,
    object: (n) => ({
      metadata: { name: "hostile" },
      rules: list(n, (i) => ({ verbs: ["get"], apiGroups: [""], resources: [`r${i}`] })),
    }),
  },
  subjects: {
    resource: "rolebindings",
    n: 600,
    object: (n) => ({
      metadata: { name: "hostile" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: list(n, (i) => ({ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: `u${i}` })),
    }),
  },
  variables: {
    resource: "functions",
    n: 600,
    object: (n) => functionWith({ pod: { env: list(n, (i) => ({ name: `V${i}`, value: `value-${i}` })) } }),
  },
  "too many variables": {
    resource: "functions",
    n: 800,
    object: (n) => functionWith({ pod: { env: list(n, (i) => ({ name: `V${i}`, value: `value-${i}` })) } }),
  },
  "empty containers": {
    resource: "statefulsets",
    n: 2400,
    object: (n) => setWith({ containers: list(n, () => ({})) }),
  },
  containers: {
    resource: "statefulsets",
    n: 500,
    object: (n) => setWith({ containers: list(n, (i) => ({ ...container, name: `c${i}` })) }),
  },
  "containers of one name": {
    resource: "statefulsets",
    n: 500,
    object: (n) => setWith({ containers: list(n, () => container) }),
  },
  "environment of a container": {
    resource: "statefulsets",
    n: 600,
    object: (n) => setWith(podSpec({ env: list(n, (i) => ({ name: `V${i}`, value: "x" })) })),
  },
  ports: {
    resource: "statefulsets",
    n: 600,
    object: (n) => setWith(podSpec({ ports: list(n, (i) => ({ containerPort: 1 + (i % 65_535), name: `p${i}` })) })),
  },
  mounts: {
    resource: "statefulsets",
    n: 300,
    object: (n) =>
      setWith({
        ...podSpec({ volumeMounts: list(n, (i) => ({ name: `v${i}`, mountPath: `/m${i}` })) }),
        volumes: list(n, (i) => ({ name: `v${i}`, emptyDir: {} })),
      }),
  },
  tolerations: {
    resource: "statefulsets",
    n: 600,
    object: (n) => setWith({ ...podSpec({}), tolerations: list(n, (i) => ({ key: `k${i}` })) }),
  },
  "selector of a set": {
    resource: "statefulsets",
    n: 600,
    object: (n) =>
      setWith(
        { ...podSpec({}) },
        { selector: { matchExpressions: list(n, (i) => ({ key: `k${i}`, operator: "Exists" })) } },
      ),
  },
  "a review": {
    resource: "selfsubjectaccessreviews",
    n: 5000,
    object: (n) => ({ spec: { resourceAttributes: { verb: "get", resource: "pods" }, extra: map(n, () => ["x"]) } }),
  },
  "extras of another": {
    resource: "subjectaccessreviews",
    n: 5000,
    object: (n) => ({
      spec: {
        user: "a",
        groups: values("g", n),
        extra: map(n, () => ["x"]),
        resourceAttributes: { verb: "get", resource: "pods" },
      },
    }),
  },
};
const functionSpec: JsonObject = {
  className: "a.B",
  input: { topics: ["a"] },
  pulsar: { pulsarConfig: "p" },
  java: { jar: "/a.jar" },
};

export const namespace = "limits";
/** Paths of what is written, by plural. */
export const collections = {
  configmaps: `/api/v1/namespaces/${namespace}/configmaps`,
  functions: `/apis/compute.functionmesh.io/v1alpha1/namespaces/${namespace}/functions`,
  functionmeshes: `/apis/compute.functionmesh.io/v1alpha1/namespaces/${namespace}/functionmeshes`,
  statefulsets: `/apis/apps/v1/namespaces/${namespace}/statefulsets`,
  roles: `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`,
  rolebindings: `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`,
  selfsubjectaccessreviews: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
  subjectaccessreviews: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
} as const;

/** Patches of a Function whose configuration has a list `l` of 50,000 numbers. */
export const patchBodies: {
  readonly [what: string]: { readonly type: string; readonly n: number; readonly body: Body };
} = {
  "insertions into a long list": {
    type: "application/json-patch+json",
    n: 1000,
    body: (n) => JSON.stringify(list(n, () => ({ op: "add", path: "/spec/funcConfig/l/0", value: 1 }))),
  },
  "removals from a long list": {
    type: "application/json-patch+json",
    n: 1000,
    body: (n) => JSON.stringify(list(n, () => ({ op: "remove", path: "/spec/funcConfig/l/0" }))),
  },
  copies: {
    type: "application/json-patch+json",
    n: 2,
    body: (n) =>
      JSON.stringify(list(n, (i) => ({ op: "copy", from: "/spec/funcConfig/l", path: `/spec/funcConfig/c${i}` }))),
  },
  moves: {
    type: "application/json-patch+json",
    n: 1000,
    body: (n) =>
      JSON.stringify(list(n, () => ({ op: "move", from: "/spec/funcConfig/l/0", path: "/spec/funcConfig/l/-" }))),
  },
  tests: {
    type: "application/json-patch+json",
    n: 1000,
    body: (n) => JSON.stringify(list(n, () => ({ op: "test", path: "/spec/className", value: "a.B" }))),
  },
  "a long pointer": {
    type: "application/json-patch+json",
    n: 50_000,
    body: (n) => JSON.stringify([{ op: "add", path: "/a".repeat(n), value: 1 }]),
  },
  "unknown members of operations": {
    type: "application/json-patch+json",
    n: 1000,
    body: (n) => JSON.stringify(list(n, (i) => ({ op: "test", path: "/spec/className", value: "a.B", [`x${i}`]: 1 }))),
  },
  "deep values": {
    type: "application/json-patch+json",
    n: 1000,
    body: (n) => `[{"op":"add","path":"/spec/funcConfig/d","value":${nested(n, "[", "1", "]")}}]`,
  },
  "members to merge": {
    type: "application/merge-patch+json",
    n: 8000,
    body: (n) => JSON.stringify({ spec: { funcConfig: map(n, () => 1) } }),
  },
  "members to delete": {
    type: "application/merge-patch+json",
    n: 8000,
    body: (n) => JSON.stringify({ spec: { funcConfig: map(n, () => null) } }),
  },
  "deep merges": {
    type: "application/merge-patch+json",
    n: 1000,
    body: (n) => `{"spec":{"funcConfig":${nested(n, '{"a":', "1", "}")}}}`,
  },
  "owners to merge": {
    type: "application/strategic-merge-patch+json",
    n: 1500,
    body: (n) => JSON.stringify({ metadata: { ownerReferences: list(n, owner) } }),
  },
  "an order of owners": {
    type: "application/strategic-merge-patch+json",
    n: 1500,
    body: (n) =>
      JSON.stringify({
        metadata: {
          "$setElementOrder/ownerReferences": list(n, (i) => ({ uid: `u${i}` })),
          ownerReferences: list(n, owner),
        },
      }),
  },
  "copies of copies": {
    type: "application/json-patch+json",
    n: 2,
    body: (n) =>
      JSON.stringify(list(n, () => ({ op: "copy", from: "/spec/funcConfig", path: "/spec/funcConfig/copy" }))),
  },
  "items that multiply": {
    type: "application/json-patch+json",
    n: 1000,
    body: (n) =>
      JSON.stringify([
        { op: "add", path: "/spec/pod", value: { env: [{ name: "V", value: "x" }] } },
        ...list(n, () => ({ op: "copy", from: "/spec/pod/env/0", path: "/spec/pod/env/-" })),
      ]),
  },
  "variables to merge": {
    type: "application/strategic-merge-patch+json",
    n: 600,
    body: (n) => JSON.stringify({ spec: { pod: { env: list(n, (i) => ({ name: `V${i}`, value: "x" })) } } }),
  },
  "variables to delete": {
    type: "application/strategic-merge-patch+json",
    n: 600,
    body: (n) => JSON.stringify({ spec: { pod: { env: list(n, (i) => ({ $patch: "delete", name: `V${i}` })) } } }),
  },
  "an order of variables": {
    type: "application/strategic-merge-patch+json",
    n: 600,
    body: (n) =>
      JSON.stringify({
        spec: {
          pod: {
            "$setElementOrder/env": list(n, (i) => ({ name: `V${i}` })),
            env: list(n, (i) => ({ name: `V${i}`, value: "x" })),
          },
        },
      }),
  },
  "variables to own": {
    type: "application/apply-patch+yaml",
    n: 600,
    body: (n) =>
      JSON.stringify({
        apiVersion: "compute.functionmesh.io/v1alpha1",
        kind: "Function",
        metadata: { name: "existing" },
        spec: { pod: { env: list(n, (i) => ({ name: `V${i}`, value: "x" })) } },
      }),
  },
  "variables to own, as YAML": {
    type: "application/apply-patch+yaml",
    n: 400,
    body: (n) =>
      `apiVersion: compute.functionmesh.io/v1alpha1\nkind: Function\nmetadata: {name: existing}\nspec:\n  pod:\n    env:\n${list(n, (i) => `    - {name: V${i}, value: x}\n`).join("")}`,
  },
  "fields to own": {
    type: "application/apply-patch+yaml",
    n: 4000,
    body: (n) =>
      JSON.stringify({
        apiVersion: "compute.functionmesh.io/v1alpha1",
        kind: "Function",
        metadata: { name: "existing" },
        spec: { funcConfig: map(n, () => 1) },
      }),
  },
};
