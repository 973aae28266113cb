/** How a workload reaches Pulsar, and what it reads from and writes to topics. */

/** Encryption of messages; see `CryptoConfig` of the Pulsar functions protocol. */
export type CryptoConfig = {
  cryptoKeyReaderClassName?: string;
  cryptoKeyReaderConfig?: { [key: string]: string };
  encryptionKeys?: string[];
  /** `FAIL`, `DISCARD`, `CONSUME` or `SEND`; anything else acts as `FAIL`. */
  producerCryptoFailureAction?: string;
  consumerCryptoFailureAction?: string;
  cryptoSecrets?: CryptoSecret[];
};
export type CryptoSecret = {
  secretName?: string;
  secretKey?: string;
  /** Mount path; without it the Secret is not mounted. */
  asVolume?: string;
};

export type ConsumerConfig = {
  schemaType?: string;
  /** Lower-case n, as on the wire. */
  serdeClassname?: string;
  isRegexPattern?: boolean;
  schemaProperties?: { [key: string]: string };
  consumerProperties?: { [key: string]: string };
  receiverQueueSize?: number;
  cryptoConfig?: CryptoConfig;
};

/** The maps are keyed by topic; `sourceSpecs` wins over the others for the same topic. */
export type InputConf = {
  typeClassName?: string;
  topics?: string[];
  topicPattern?: string;
  customSerdeSources?: { [topic: string]: string };
  customSchemaSources?: { [topic: string]: string };
  sourceSpecs?: { [topic: string]: ConsumerConfig };
};

export type CompressionType = "NONE" | "LZ4" | "ZLIB" | "ZSTD" | "SNAPPY";
export type ProducerConfig = {
  maxPendingMessages?: number;
  maxPendingMessagesAcrossPartitions?: number;
  useThreadLocalProducers?: boolean;
  cryptoConfig?: CryptoConfig;
  batchBuilder?: string;
  compressionType?: CompressionType;
};

export type OutputConf = {
  typeClassName?: string;
  topic?: string;
  sinkSerdeClassName?: string;
  sinkSchemaType?: string;
  producerConf?: ProducerConfig;
  /** Only the entry of `topic` has an effect: a `ConsumerConfig` as JSON text. */
  customSchemaSinks?: { [topic: string]: string };
};

export type OAuth2Config = {
  audience?: string;
  issuerUrl?: string;
  scope?: string;
  keySecretName?: string;
  keySecretKey?: string;
};
export type GenericAuth = { clientAuthenticationPlugin?: string; clientAuthenticationParameters?: string };
/** When both are set, `oauth2Config` wins. */
export type AuthConfig = { oauth2Config?: OAuth2Config; genericAuth?: GenericAuth };

export type PulsarTlsConfig = {
  enabled?: boolean;
  allowInsecure?: boolean;
  hostnameVerification?: boolean;
  certSecretName?: string;
  certSecretKey?: string;
};

/** The type of both `pulsar` and `pulsarPackageService`. */
export type PulsarMessaging = {
  /** ConfigMap with the keys `webServiceURL` and `brokerServiceURL`. */
  pulsarConfig?: string;
  authSecret?: string;
  tlsSecret?: string;
  /** Supersedes `tlsSecret`. */
  tlsConfig?: PulsarTlsConfig;
  /** Supersedes `authSecret`, even when empty. */
  authConfig?: AuthConfig;
  /** For the clean-up Job; without it `authConfig` is used. */
  cleanupAuthConfig?: AuthConfig;
};
