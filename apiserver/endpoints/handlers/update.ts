import { checkName } from "../object-decoder.ts";
import { objectResponse, outputFormat } from "../output.ts";
import { writeOptions } from "../query-options.ts";
import { contextOf, urlName, type VerbHandler, verbNotServed } from "../scope.ts";
import { Warnings } from "../warnings.ts";
import { readObject } from "./input.ts";

/** API section 3.6. */
export const updateObject: VerbHandler = async (request, scope) => {
  const { storage } = scope;
  if (storage.update === undefined) throw verbNotServed(scope, "update");
  const format = outputFormat(request, "object");
  const { dryRun, fieldValidation } = writeOptions(request.query, "UpdateOptions");
  const { object, problems } = await readObject(request, scope, fieldValidation);
  const name = urlName(request);
  checkName(object, name);
  const warnings = new Warnings();
  const item = await storage.update(contextOf(request, scope, warnings), name, () => object, {
    dryRun,
    fieldValidation,
    decodingProblems: problems,
    fullReplacement: true,
  });
  return objectResponse(request, scope, item, {
    format,
    headers: warnings.headers(),
  });
};
