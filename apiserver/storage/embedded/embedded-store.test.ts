import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { linearizability } from "../../../test/conformance/linearizability.ts";
import { storageConformance } from "../../../test/conformance/storage.ts";
import { openEmbedded } from "./embedded-store.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-storage-"));
after(() => rmSync(root, { recursive: true }));

const open = (store: string) => openEmbedded({ directory: join(root, store) });

storageConformance({ name: "embedded", open, skip: [] });
linearizability({ name: "embedded", open });
