export type LogFields = { readonly [field: string]: unknown };

/** Writes one line: what varies goes into `fields`, the message is a constant. An error goes into the field `err`. */
export type LogMethod = (fields: LogFields, message: string) => void;

/** What the controllers need of a logger; pino's has it. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  child(fields: LogFields): Logger;
}

export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
