import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { storageConformance } from "../../../test/conformance/storage.ts";
import { openEmbedded } from "./store.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-storage-"));
after(() => rmSync(root, { recursive: true }));

storageConformance({
  name: "embedded",
  open: (store) => openEmbedded({ directory: join(root, store) }),
  skip: [],
});
