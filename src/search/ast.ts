/** Offsets into the query's text, in UTF-16 code units; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Lucene's three roles of a clause in its group. */
export type Occur = 'must' | 'should' | 'must-not';

/** A piece of a pattern: literal text, any run of characters, or exactly one character. */
export type PatternPart = { readonly text: string } | { readonly wildcard: '*' } | { readonly wildcard: '?' };

export interface Bound {
  readonly value: string;
  readonly inclusive: boolean;
}

/** A test of one field; what it matches is decided value by value. */
export type Leaf =
  | { readonly kind: 'exists'; readonly field: string; readonly span: Span }
  | { readonly kind: 'equals'; readonly field: string; readonly value: string; readonly span: Span }
  | { readonly kind: 'pattern'; readonly field: string; readonly parts: readonly PatternPart[]; readonly span: Span }
  /** A bound that is undefined is open. */
  | {
      readonly kind: 'range';
      readonly field: string;
      readonly lower: Bound | undefined;
      readonly upper: Bound | undefined;
      readonly span: Span;
    };

/** Clauses side by side. Without a must or should clause it matches the complement of its must-not clauses. */
export interface Group {
  readonly kind: 'group';
  readonly clauses: readonly Clause[];
  readonly span: Span;
}

/** `all` is `*:*`: every node. */
export type Expression = { readonly kind: 'all'; readonly span: Span } | Leaf | Group;

export interface Clause {
  /** The role that Lucene gives it, whatever the words around it suggest. */
  readonly occur: Occur;
  /** The word that a person wrote between this clause and the one before it. */
  readonly conjunction: 'and' | 'or' | undefined;
  readonly expression: Expression;
  /** The clause with its field and parentheses, without its conjunction and `+`, `-`, `!` or NOT. */
  readonly span: Span;
}

export interface Query {
  readonly text: string;
  readonly root: Expression;
}
