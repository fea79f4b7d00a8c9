/** A stored answer is all there: a piece is as long as keeps the events readable, not a token. */
const PIECE = /[\s\S]{1,200}/gu;

/** A text in pieces that never split a character in two; none for an empty text. */
export function textPieces(text: string): string[] {
  return text.match(PIECE) ?? [];
}
