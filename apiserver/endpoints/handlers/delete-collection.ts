import { assertReadErrorsCount } from "../delete-options.ts";
import { listResponse, outputFormat } from "../output.ts";
import { inQueryTurns, listOptionsInSteps } from "../query-options.ts";
import { contextOf, type VerbHandler, verbNotServed } from "../scope.ts";
import { Warnings } from "../warnings.ts";
import { readDeleteOptions } from "./delete.ts";

/** API: the query selects; its `resourceVersion` is a list's position, not a precondition. */
export const deleteCollection: VerbHandler = async (request, scope) => {
  const { storage } = scope;
  if (storage.deleteCollection === undefined) throw verbNotServed(scope, "deletecollection");
  const format = outputFormat(request, scope, "list");
  const list = await inQueryTurns(request, listOptionsInSteps);
  const warnings = new Warnings();
  const { preconditions, ...options } = await readDeleteOptions(request, scope, warnings);
  assertReadErrorsCount(options);
  const kept = preconditions?.uid === undefined ? options : { ...options, preconditions: { uid: preconditions.uid } };
  const deleted = await storage.deleteCollection(contextOf(request, scope, warnings), list, kept);
  return listResponse(request, scope, deleted, {
    format,
    headers: warnings.headers(),
  });
};
