/** The program was asked for something it cannot do; the message is for the one who asked. */
export class UsageError extends Error {}
