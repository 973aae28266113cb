/** One object on its way through writes by several managers, for tests of structured merge. */
import assert from "node:assert/strict";
import type { JsonObject, JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { describePath, type FieldSet, pathsOf } from "../../apiserver/machinery/structured-merge/field-set.ts";
import {
  apply,
  ConflictError,
  type Owner,
  type Owners,
  update,
  type Version,
  type Versions,
} from "../../apiserver/machinery/structured-merge/ownership.ts";
import { reconcile } from "../../apiserver/machinery/structured-merge/reconcile.ts";
import type { Type } from "../../apiserver/machinery/structured-merge/types.ts";
import { joinProblems, typeProblems } from "../../apiserver/machinery/structured-merge/validate.ts";
import { thing } from "./field-types.ts";

export const names = (fields: FieldSet): string[] => [...pathsOf(fields)].map(describePath);
export const everything = (fields: FieldSet): FieldSet => fields;

export const v1: Version = { apiVersion: "v1", type: thing, writable: everything };
const one: Versions = { find: (apiVersion) => (apiVersion === "v1" ? v1 : undefined), convert: (object) => object };

export class Story {
  object: JsonObject = { apiVersion: "v1" };
  owners: Owners = new Map();
  readonly versions: Versions;

  constructor(versions: Versions = one) {
    this.versions = versions;
  }

  apply(writer: string, wanted: JsonObject, { force = false, version = v1 } = {}): this {
    const body = { apiVersion: version.apiVersion, ...wanted };
    assert.deepEqual(joinProblems(typeProblems(version.type, body)), "errors:");
    const live = this.versions.convert(this.object, version);
    const change = { versions: this.versions, version, live, owners: this.owners, writer };
    const applied = apply(change, body, force);
    this.object = applied.object;
    this.owners = applied.owners;
    return this;
  }

  update(writer: string, next: JsonObject, version = v1): this {
    const live = this.versions.convert(this.object, version);
    const body = { apiVersion: version.apiVersion, ...next };
    this.owners = update({ versions: this.versions, version, live, owners: this.owners, writer }, body);
    this.object = body;
    return this;
  }

  /** The schema becomes another: sets that were recorded before are read by it, as the stored ones are (API S-32). */
  reread(type: Type): this {
    const entries = [...this.owners].map(([identity, owner]): [string, Owner] => [
      identity,
      { ...owner, fields: reconcile(type, owner.fields) },
    ]);
    this.owners = new Map(entries);
    return this;
  }

  get content(): JsonValue {
    const { apiVersion: _apiVersion, ...content } = this.object;
    return JSON.parse(JSON.stringify(content));
  }

  owned(writer: string): string[] {
    return names(this.owners.get(writer)?.fields ?? new Map()).filter((name) => name !== ".apiVersion");
  }

  conflicts(writer: string, wanted: JsonObject): Record<string, string[]> {
    try {
      this.apply(writer, wanted);
    } catch (error) {
      if (error instanceof ConflictError) {
        return Object.fromEntries([...error.fields].map(([owner, fields]) => [owner, names(fields)]));
      }
      throw error;
    }
    assert.fail("no conflict");
  }
}
