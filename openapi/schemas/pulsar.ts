import { flag, object, text } from "../nodes.ts";

const tlsConfig = object("TLS towards Pulsar, instead of what tlsSecret holds. Wins over tlsSecret whenever present.", {
  enabled: flag("Whether connections use TLS. Default: false."),
  allowInsecure: flag("Accept certificates that no known authority signed. Default: false."),
  hostnameVerification: flag("Check that the broker's certificate names the host that was dialled. Default: false."),
  certSecretName: text(
    "Secret with the certificate of the authority to trust. Mounted when certSecretKey is set as well.",
  ),
  certSecretKey: text("The key within the Secret that holds the certificate, in PEM form."),
});

const oauth2Config = object(
  "Client credentials of OAuth 2.0. Wins over genericAuth.",
  {
    audience: text("The audience that tokens are asked for: usually Pulsar's resource identifier."),
    issuerUrl: text("Address of the identity provider. Its discovery document is read from there."),
    scope: text("Scopes that tokens are asked for, separated by spaces. When unset none is asked for."),
    keySecretName: text("Secret with the client's credentials file. Mounted into the container."),
    keySecretKey: text("The key within the Secret that holds the credentials file."),
  },
  ["audience", "issuerUrl", "keySecretName", "keySecretKey"],
);

const genericAuth = object(
  "Any authentication plugin of the Pulsar client.",
  {
    clientAuthenticationPlugin: text(
      "Class of the plugin, for example org.apache.pulsar.client.impl.auth.AuthenticationToken.",
    ),
    clientAuthenticationParameters: text(
      "Parameters of the plugin, for example token:…. They are readable in this object: prefer authSecret for credentials.",
    ),
  },
  ["clientAuthenticationPlugin", "clientAuthenticationParameters"],
);

const authConfig = object("Authentication towards Pulsar.", { oauth2Config, genericAuth });

const connection = {
  pulsarConfig: text(
    "ConfigMap, in the namespace of the workload, with the keys webServiceURL and brokerServiceURL. Its entries become environment variables. Needed by every workload.",
  ),
  authSecret: text(
    "Secret with the keys clientAuthenticationPlugin and clientAuthenticationParameters. Its entries become environment variables.",
  ),
  tlsSecret: text(
    "Secret with the keys tlsAllowInsecureConnection, tlsHostnameVerificationEnable and tlsTrustCertsFilePath. Its entries become environment variables.",
  ),
  tlsConfig,
  authConfig: {
    ...authConfig,
    description:
      "Authentication, instead of what authSecret holds. Wins over authSecret whenever present, even when empty.",
  },
  cleanupAuthConfig: {
    ...authConfig,
    description:
      "Authentication of the job that removes subscriptions when the workload is deleted. When unset the job uses authConfig. Without effect in pulsarPackageService.",
  },
};

export const pulsar = object("The Pulsar cluster that the running workload connects to.", connection);

export const pulsarPackageService = object(
  "The Pulsar cluster that packages are downloaded from, when it isn't the one in pulsar.",
  connection,
);
