/**
 * The etcd store's own tests, the storage conformance suite among them, on the etcd that the tools build: `npm test` runs
 * them only where it happens to be there.
 */
import { ensureTool } from "./support/tools.ts";

process.env.FUNCTIONMESH_ETCD ??= await ensureTool("etcd");
await import("../../apiserver/storage/etcd3/etcd-store.test.ts");
await import("../../apiserver/storage/etcd3/guard.test.ts");
await import("../../apiserver/storage/etcd3/formats.test.ts");
