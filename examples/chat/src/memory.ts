/** What the chat knows about people and what it said to them before. */
export interface Memory {
  profile(userId: string): Promise<{ readonly name: string } | undefined>;
  lastTopic(userId: string): Promise<string>;
}

/** A memory of one user. */
export const demoMemory: Memory = {
  profile: async (userId) => (userId === 'u-1' ? { name: 'Ada' } : undefined),
  lastTopic: async (userId) => (userId === 'u-1' ? 'looms' : 'nothing yet'),
};
