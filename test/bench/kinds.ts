/** The objects that are written and read, of the kind that a server serves: alike in size, where not the same. */
import { benchFunction } from "./objects.ts";

/** What a write says that changes an object; each number another change. */
export type BenchKind = {
  readonly collection: string;
  readonly create: (name: string, index: number) => string;
  /** The whole object, as somebody applies it again and again. */
  readonly apply: (name: string, index: number, change: number) => string;
  /** The object as it was read, changed. */
  readonly put: (stored: string, change: number) => string;
};

export const labelPatch = (label: string, change: number): string =>
  JSON.stringify({ metadata: { labels: { [label]: String(change) } } });

const topic = (change: number): string => `persistent://public/default/logs-${change}`;

export const functions: BenchKind = {
  collection: "/apis/compute.functionmesh.io/v1alpha1/namespaces/bench/functions",
  create: benchFunction,
  apply: (name, index, change) => {
    const fn = JSON.parse(benchFunction(name, index));
    return JSON.stringify({ ...fn, spec: { ...fn.spec, logTopic: topic(change) } });
  },
  put: (stored, change) => stored.replace(/"image":"[^"]*"/, `"image":"example.org/put:${change}"`),
};

/** Of Go's own example, whose kind has two fields: what else a Function says is in annotations, one for each value. */
export const flunders: BenchKind = {
  collection: "/apis/wardle.example.com/v1alpha1/namespaces/bench/flunders",
  create: (name, index) => flunder(name, index, "none"),
  apply: (name, index, change) => flunder(name, index, String(change)),
  put: (stored, change) => stored.replace(/"reference":"[^"]*"/, `"reference":"put-${change}"`),
};

function flunder(name: string, index: number, reference: string): string {
  const { metadata, spec } = JSON.parse(benchFunction(name, index));
  return JSON.stringify({
    apiVersion: "wardle.example.com/v1alpha1",
    kind: "Flunder",
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...Object.fromEntries(leavesOf(spec)) } },
    spec: { reference },
  });
}

/** By the ends of their paths, as names that an annotation may have. */
function leavesOf(value: unknown, path = ""): readonly (readonly [path: string, value: string])[] {
  if (typeof value !== "object" || value === null)
    return [
      [
        path
          .replaceAll(/[^a-zA-Z0-9]+/g, "-")
          .slice(-60)
          .replace(/^-/, ""),
        String(value),
      ],
    ];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, `${path}-${name}`));
}
