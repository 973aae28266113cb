/** How a workload reaches Pulsar, and what it reads from and writes to topics. */
import type { ValueOf } from "../../../../openapi/schema.ts";
import type { input, output } from "../../../../openapi/schemas/messaging.ts";
import type { pulsar } from "../../../../openapi/schemas/pulsar.ts";

/** The maps are keyed by topic; `sourceSpecs` wins over the others for the same topic. */
export type InputConf = ValueOf<typeof input>;
export type OutputConf = ValueOf<typeof output>;
export type ConsumerConfig = NonNullable<InputConf["sourceSpecs"]>[string];
export type ProducerConfig = NonNullable<OutputConf["producerConf"]>;
/** Encryption of messages; see `CryptoConfig` of the Pulsar functions protocol. */
export type CryptoConfig = NonNullable<ConsumerConfig["cryptoConfig"]>;

/** The type of both `pulsar` and `pulsarPackageService`. */
export type PulsarMessaging = ValueOf<typeof pulsar>;
/** When both members are set, `oauth2Config` wins. */
export type AuthConfig = NonNullable<PulsarMessaging["authConfig"]>;
export type OAuth2Config = NonNullable<AuthConfig["oauth2Config"]>;
export type GenericAuth = NonNullable<AuthConfig["genericAuth"]>;
export type PulsarTlsConfig = NonNullable<PulsarMessaging["tlsConfig"]>;
