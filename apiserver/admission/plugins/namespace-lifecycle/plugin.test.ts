import assert from "node:assert/strict";
import { test } from "node:test";
import { attributesOf } from "../../../../test/support/admission.ts";
import { refused } from "../../../../test/support/widgets.ts";
import { StatusError } from "../../../errors/status-error.ts";
import type { AdmissionAttributes } from "../../interface.ts";
import { NamespaceLifecycle, type NamespaceState } from "./plugin.ts";

const missing: NamespaceState = { exists: false, terminating: false };
const active: NamespaceState = { exists: true, terminating: false };
const terminating: NamespaceState = { exists: true, terminating: true };

/** Answers with the states in turn, the last one for ever. */
function plugin(...states: NamespaceState[]) {
  let asked = 0;
  const waits: number[] = [];
  const lifecycle = new NamespaceLifecycle({
    lookup: async () => states[Math.min(asked++, states.length - 1)] ?? missing,
    wait: async (delayMs) => void waits.push(delayMs),
  });
  return { admit: (overrides?: Partial<AdmissionAttributes>) => lifecycle.admit(attributesOf(overrides)), waits };
}

// API C-08, AD-07
test("a missing namespace is looked up twice, then the create is 404", async () => {
  const { admit, waits } = plugin(missing);
  await assert.rejects(admit(), refused(404, 'namespaces "demo" not found'));
  assert.deepEqual(waits, [50]);
  await plugin(missing, active).admit();
});

// API C-08, E-34, KC-12
test("a terminating namespace refuses creates with the cause that clients look for", async () => {
  await assert.rejects(plugin(terminating).admit(), (error) => {
    assert.ok(error instanceof StatusError);
    assert.equal(
      error.message,
      'widgets.test.example "a" is forbidden: unable to create new content in namespace demo because it is being terminated',
    );
    assert.deepEqual(error.status.details, {
      name: "a",
      group: "test.example",
      kind: "widgets",
      causes: [
        {
          reason: "NamespaceTerminating",
          message: "namespace demo is being terminated",
          field: "metadata.namespace",
        },
      ],
    });
    return true;
  });
});

const passing: Record<string, Partial<AdmissionAttributes>> = {
  "an update in a terminating namespace": { operation: "UPDATE" },
  "a delete in a terminating namespace": { operation: "DELETE" },
  "a cluster-scoped create": { namespace: "" },
  "an access review about a namespace": {
    resource: { group: "authorization.k8s.io", version: "v1", resource: "localsubjectaccessreviews" },
  },
};
for (const [name, overrides] of Object.entries(passing)) {
  // API AD-07
  test(`passes: ${name}`, () => plugin(terminating).admit(overrides));
}

test("namespaces a cluster is born with cannot be deleted, others can", async () => {
  const resource = { group: "", version: "v1", resource: "namespaces" };
  const remove = (name: string) => plugin(active).admit({ operation: "DELETE", resource, namespace: "", name });
  await assert.rejects(
    remove("default"),
    refused(403, 'namespaces "default" is forbidden: this namespace may not be deleted'),
  );
  await remove("demo");
});
