/**
 * A figure as a status shows it. A status write per look would cost the API server more than the figure is worth, so what is shown is rounded
 * and holds still while the true figure merely trembles; Prometheus has the exact one.
 *
 *  - exact below 100, above it two significant digits;
 *  - moves at once when it is off by more than 10 and by more than a fifth of what is shown;
 *  - otherwise moves when two looks in a row agree on another figure, so that a small change that lasts is shown after one more look, and the
 *    three events a busy topic has under way at the moment of a look are not.
 * Proof: shown-figure.test.ts.
 */

/** What is remembered of a figure between two looks. */
export interface ShownFigure {
  readonly shown: number
  /** The rounded figure of the newest look. */
  readonly rounded: number
}

/** Exact below 100, else two significant digits. @param figure a count, 0 or more */
export function rounded(figure: number): number {
  if (figure < 100) return figure
  const step = 10 ** (Math.floor(Math.log10(figure)) - 1)
  return Math.round(figure / step) * step
}

/** What to show of `figure` after what was shown `before`. */
export function showFigure(figure: number, before: ShownFigure | undefined): ShownFigure {
  const now = rounded(figure)
  if (before === undefined || now === before.rounded) return { shown: now, rounded: now }
  const off = Math.abs(now - before.shown)
  return { shown: off > 10 && off > before.shown / 5 ? now : before.shown, rounded: now }
}
