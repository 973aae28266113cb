import { listResponse, outputFormat } from "../output.ts";
import { inQueryTurns, listOptionsInSteps } from "../query-options.ts";
import { contextOf, type VerbHandler, verbNotServed } from "../scope.ts";
import { Warnings } from "../warnings.ts";

/** API section 3.3. */
export const listObjects: VerbHandler = async (request, scope) => {
  const { storage } = scope;
  if (storage.list === undefined) throw verbNotServed(scope, "list");
  const format = outputFormat(request, scope, "list");
  const options = await inQueryTurns(request, listOptionsInSteps);
  const warnings = new Warnings();
  const list = await storage.list(contextOf(request, scope, warnings), options);
  return listResponse(request, scope, list, {
    format,
    headers: warnings.headers(),
  });
};
