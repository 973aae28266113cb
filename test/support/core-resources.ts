import { generateKeyPairSync } from "node:crypto";
import { serviceAccountTokens } from "../../apiserver/authentication/service-account-token.ts";
import { coreResources } from "../../apiserver/registry/core/resources.ts";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const uidOf = async () => undefined;
const tokens = serviceAccountTokens({ key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), uidOf });

/** The rows of the core kinds, in a cluster where nobody has an account. */
export const coreDefinitions = coreResources({ tokens, uidOf });
