import type { KubeObject } from "../../apis/meta/v1.ts";
import { newBadRequest } from "../../errors/status-error.ts";
import { limits } from "../../limits.ts";
import { isObject } from "../../machinery/json.ts";
import type { FieldValidation } from "../../registry/rest/interface.ts";
import type { ApiRequest } from "../api-handler.ts";
import { bodyDecoder, excerptOf, UndecodableBody } from "../body.ts";
import { decodeObject, inNamespace } from "../object-decoder.ts";
import type { RequestScope } from "../scope.ts";

export type InputObject = {
  readonly object: KubeObject;
  readonly problems: readonly string[];
};

/**
 * The object of a create or update body, of the endpoint's kind and in the URL's namespace.
 * @throws StatusError 413, 415, or 400 for what is no such object (API V-22, V-23, V-24)
 */
export async function readObject(
  request: ApiRequest,
  scope: RequestScope,
  fieldValidation: FieldValidation,
): Promise<InputObject> {
  const decode = bodyDecoder(request, scope.acceptsProtobuf);
  const bytes = await request.body(limits.maxBodyBytes.value);
  try {
    const { value, problems } = decode(bytes, fieldValidation !== "Ignore");
    const json: unknown = value;
    // Typed kinds take what they are from the endpoint, also when nothing else is said (API V-23).
    if (!isObject(value) || (Object.keys(value).length === 0 && !scope.acceptsProtobuf)) {
      throw new UndecodableBody(`Object 'Kind' is missing in '${JSON.stringify(json)}'`, bytes);
    }
    const object = decodeObject(value, scope.kind);
    return {
      object: inNamespace(object, request.info.namespace, scope.namespaced),
      problems,
    };
  } catch (error) {
    throw inputError(error, scope, bytes);
  }
}

function inputError(error: unknown, { kind }: RequestScope, bytes: Uint8Array): unknown {
  if (!(error instanceof UndecodableBody)) return error;
  return newBadRequest(
    `the object provided is unrecognized (must be of type ${kind.kind}): ${error.message} ${excerptOf(bytes)}`,
  );
}
