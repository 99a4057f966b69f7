/** What the chat asks of a model. */
export interface Model {
  complete(prompt: string, signal: AbortSignal): Promise<string>;
}

/**
 * A model that needs no network: answers with the reply of the first line whose pattern the prompt matches.
 *
 * @throws An error naming the prompt, where no line matches: a script that has gaps should be noticed.
 */
export function scriptedModel(script: readonly { readonly pattern: RegExp; readonly reply: string }[]): Model {
  return {
    async complete(prompt) {
      const line = script.find(({ pattern }) => pattern.test(prompt));
      if (line === undefined) throw new Error(`the script has no reply to: ${prompt}`);
      return line.reply;
    },
  };
}
