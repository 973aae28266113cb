import { objectResponse, outputFormat } from "../output.ts";
import { writeOptions } from "../query-options.ts";
import { contextOf, urlName, type VerbHandler, verbNotServed } from "../scope.ts";
import { Warnings } from "../warnings.ts";
import { readObject } from "./input.ts";

/** API sections 3.5 and Y-05: on a collection, or on a subresource such as `token`. */
export const createObject: VerbHandler = async (request, scope) => {
  const { storage } = scope;
  if (storage.create === undefined) throw verbNotServed(scope, "create");
  const format = outputFormat(request, "object");
  const { dryRun, fieldValidation } = writeOptions(request.query, "CreateOptions");
  const { object, problems } = await readObject(request, scope, fieldValidation);
  const warnings = new Warnings();
  const item = await storage.create(contextOf(request, scope, warnings), urlName(request), object, {
    dryRun,
    fieldValidation,
    decodingProblems: problems,
  });
  return objectResponse(request, scope, item, {
    format,
    status: 201,
    headers: warnings.headers(),
  });
};
