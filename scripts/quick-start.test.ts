import { describe, expect, test } from 'vitest';
import { firstBlockOf, quickStartProblem } from './quick-start.mjs';

const readme = (code: string) => `# Stageflow\n\n\`\`\`sh\nnpm test\n\`\`\`\n\n\`\`\`ts\n${code}\`\`\`\n\n\`\`\`ts\nlater();\n\`\`\`\n`;

describe('quickStartProblem()', () => {
  test('accepts a README whose first block of TypeScript is the example', () => {
    expect(firstBlockOf(readme('run();\n'))).toBe('run();\n');
    expect(quickStartProblem(readme('run();\n'), 'run();\n')).toBeUndefined();
  });

  test.each(['run ();\n', '', 'run();\nrun();\n'])('refuses a README that says %j', (code) => {
    expect(quickStartProblem(readme(code), 'run();\n')).toContain('word for word');
  });

  test('refuses an example of more than 15 lines', () => {
    const long = 'run();\n'.repeat(16);
    expect(quickStartProblem(readme(long), long)).toContain('has 16 lines');
    expect(quickStartProblem(readme('run();\n'.repeat(15)), 'run();\n'.repeat(15))).toBeUndefined();
  });
});
