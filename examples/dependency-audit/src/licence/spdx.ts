/** A licence expression as a tree. What one licence is allowed to be decides what the whole is. */
export type LicenceExpression =
  | { readonly kind: 'licence'; readonly id: string; readonly exception?: string }
  | { readonly kind: 'and' | 'or'; readonly left: LicenceExpression; readonly right: LicenceExpression };

/**
 * Parses an SPDX licence expression (SPDX 2.3, annex D): ids, `+`, `WITH`, `AND`, `OR`, parentheses; `AND` binds closer
 * than `OR`.
 *
 * @returns `undefined` where the text is no expression: "see LICENSE", "Apache 2.0", or nesting no licence has.
 */
export function parseLicence(text: string): LicenceExpression | undefined {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? [];
  if (tokens.length > 1_000) return undefined;
  let next = 0;

  function take(word: string): boolean {
    const isNext = tokens[next]?.toUpperCase() === word;
    if (isNext) next += 1;
    return isNext;
  }

  function chain(kind: 'and' | 'or', part: () => LicenceExpression | undefined): LicenceExpression | undefined {
    let left = part();
    while (left !== undefined && take(kind.toUpperCase())) {
      const right = part();
      left = right && { kind, left, right };
    }
    return left;
  }
  const expression = (): LicenceExpression | undefined => chain('or', () => chain('and', term));

  function term(): LicenceExpression | undefined {
    if (take('(')) {
      const inner = expression();
      return inner !== undefined && take(')') ? inner : undefined;
    }
    const id = identifier();
    if (id === undefined) return undefined;
    if (!take('WITH')) return { kind: 'licence', id };
    const exception = identifier();
    return exception === undefined ? undefined : { kind: 'licence', id, exception };
  }

  function identifier(): string | undefined {
    const token = tokens[next];
    if (token === undefined || !/^[a-z0-9][a-z0-9.:-]*\+?$/i.test(token) || /^(AND|OR|WITH)$/i.test(token)) return undefined;
    next += 1;
    return token;
  }

  const parsed = expression();
  return next === tokens.length ? parsed : undefined;
}

/**
 * Whether a licence is acceptable: of an `OR` one side must be, of an `AND` both.
 *
 * @param isAllowed - Decides about one licence, as written: `MIT`, `GPL-2.0+`, `GPL-2.0-only WITH Classpath-exception-2.0`.
 */
export function isAcceptable(expression: LicenceExpression, isAllowed: (licence: string) => boolean): boolean {
  switch (expression.kind) {
    case 'licence':
      return isAllowed(expression.exception === undefined ? expression.id : `${expression.id} WITH ${expression.exception}`);
    case 'or':
      return isAcceptable(expression.left, isAllowed) || isAcceptable(expression.right, isAllowed);
    case 'and':
      return isAcceptable(expression.left, isAllowed) && isAcceptable(expression.right, isAllowed);
  }
}
