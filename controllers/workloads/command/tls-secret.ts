/**
 * What a Secret says about TLS, as every tool is told it. The keys are Pulsar's; without them the strict choice counts.
 * `prefix` is that of `PulsarAccess`.
 */
import { type Expansion, expand, type Step, step, variable, variableOr, type Word } from "./shell.ts";

export const tlsAllowInsecure = (prefix: string): Expansion =>
  variableOr(`${prefix}tlsAllowInsecureConnection`, "false");
export const tlsVerifyHostname = (prefix: string): Expansion =>
  variableOr(`${prefix}tlsHostnameVerificationEnable`, "true");
export const tlsTrustedCertificates = (prefix: string): Expansion => variable(`${prefix}tlsTrustCertsFilePath`);

/** For tools whose flags take no value: a variable that holds the flag, or nothing, and the word that it becomes. */
export function switchedFlag(name: string, on: Expansion, flag: string): { setup: Step; word: Word } {
  const value = expand(`$(test "${on.expand}" = true && echo ${flag})`);
  return { setup: { ...step([`${name}=`, value]), mayFail: true }, word: { ...variable(name), mayBeEmpty: true } };
}
