import { newBadRequest } from "../../errors/status-error.ts";
import { checkShape, objectResponse, outputFormat } from "../output.ts";
import { queryResourceVersion } from "../query-options.ts";
import { queryBoolean } from "../request-info.ts";
import { contextOf, urlName, type VerbHandler, verbNotServed } from "../scope.ts";
import { Warnings } from "../warnings.ts";

/** API section 3.2. */
export const getObject: VerbHandler = async (request, scope) => {
  const { storage } = scope;
  if (storage.get === undefined) throw verbNotServed(scope, "get");
  const format = outputFormat(request, scope, undefined);
  if (request.rawQuery !== "" && queryBoolean(request.query.get("export"))) {
    throw newBadRequest("the export parameter, deprecated since v1.14, is no longer supported");
  }
  const resourceVersion = request.rawQuery === "" ? "" : queryResourceVersion(request.query);
  const warnings = new Warnings();
  const item = await storage.get(contextOf(request, scope, warnings), urlName(request), { resourceVersion });
  checkShape(format, "object");
  return objectResponse(request, scope, item, {
    format,
    headers: warnings.headers(),
  });
};
