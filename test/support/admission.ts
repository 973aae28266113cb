/** A request as admission sees it. */
import type { AdmissionAttributes } from "../../apiserver/admission/interface.ts";

/** The create of a Widget without content, with these differences. */
export function attributesOf(overrides: Partial<AdmissionAttributes> = {}): AdmissionAttributes {
  return {
    operation: "CREATE",
    kind: { group: "test.example", version: "v1", kind: "Widget" },
    resource: { group: "test.example", version: "v1", resource: "widgets" },
    subresource: "",
    namespace: "demo",
    name: "a",
    object: undefined,
    oldObject: undefined,
    user: { name: "tester", groups: [] },
    dryRun: false,
    options: { kind: "CreateOptions" },
    auditId: "audit",
    signal: new AbortController().signal,
    warn: () => {},
    ...overrides,
  };
}
