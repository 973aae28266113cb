import assert from "node:assert/strict";
import { test } from "node:test";
import { aWidget, widgetKind } from "../../test/support/objects.ts";
import { KindCodec } from "../registry/generic/codec.ts";
import { ageColumn, column, nameColumn } from "../registry/rest/columns.ts";
import { textOf } from "./bytes.ts";
import { partialObjectParts, rowParts } from "./table.ts";

const codec = new KindCodec(widgetKind);

// API N-31, N-35
test("rows: an object is asked for its cells once, and what changes with time is told anew", () => {
  let asked = 0;
  const counted = column("Size", "", () => {
    asked++;
    return "large";
  });
  const columns = [nameColumn, counted, ageColumn];
  const object = aWidget("a", { metadata: { creationTimestamp: "2026-01-01T00:00:00Z" } });
  const item = codec.decode(codec.encode(object), 7);
  const cells = (at: string, shown = columns) => {
    const row = rowParts(item, { columns: shown, include: "None", version: "v1" }, new Date(at));
    return JSON.parse(textOf(row)).cells;
  };
  assert.deepEqual(cells("2026-01-01T00:00:05Z"), ["a", "large", "5s"]);
  assert.deepEqual(cells("2026-01-01T03:00:00Z"), ["a", "large", "3h"]);
  assert.equal(asked, 1);
  const orders = [[counted], [ageColumn], [ageColumn, counted, ageColumn, ageColumn, nameColumn], []];
  const shown = { Size: "large", Age: "3h", Name: "a" };
  for (const some of orders) {
    assert.deepEqual(
      cells("2026-01-01T03:00:00Z", some),
      some.map(({ name }) => new Map(Object.entries(shown)).get(name)),
    );
  }
});

test("partial objects: metadata is cut out of the object's bytes, and where it ends is known the next time", () => {
  for (const metadata of [{ labels: { "}{": '"\\' } }, { annotations: { a: "x".repeat(5000) } }, {}]) {
    const item = codec.decode(codec.encode(aWidget("a", { metadata })), 123);
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(JSON.parse(textOf(partialObjectParts(item, "v1"))), {
        kind: "PartialObjectMetadata",
        apiVersion: "meta.k8s.io/v1",
        metadata: item.object.metadata,
      });
    }
    const { json } = item;
    assert.equal(textOf(partialObjectParts({ json }, "v1")), textOf(partialObjectParts(item, "v1")));
  }
});
