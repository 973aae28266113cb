/**
 * Why the server does not start, where its operator can put that right: a port that is taken, a directory that cannot be
 * used. The message is for them and says all there is to say.
 */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StartError";
  }
}
