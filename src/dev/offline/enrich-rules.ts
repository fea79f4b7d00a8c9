/** What the `enrich` task asks about. */
export interface EnrichInput {
  title: string;
  description?: string;
  category?: string;
}

/** What it wants to know. */
export interface EnrichOutput {
  normalized_title: string;
  category: string;
}

/**
 * Answers `enrich` by plain rules, so that an answer can be checked without a model.
 *
 * @example
 * enrichByRules({ title: '  the LORD of the rings (2001)', category: 'Adventure' })
 * // { normalized_title: 'The LORD of the Rings (2001)', category: 'Adventure' }
 */
export function enrichByRules(input: EnrichInput): EnrichOutput {
  const given = collapseSpaces(input.category ?? '');
  return {
    normalized_title: normalizeTitle(input.title),
    category: given || guessCategory(`${input.title} ${input.description ?? ''}`),
  };
}

/** Trims, collapses white space and sets title case; small words stay small except first, last and after a colon. */
export function normalizeTitle(title: string): string {
  const clean = collapseSpaces(title);
  const shouted = clean === clean.toUpperCase() && /\p{Lu}{2}.*\s/u.test(clean);
  const words = (shouted ? clean.toLowerCase() : clean).split(' ');
  const last = words.findLastIndex((word) => !isYear(word));
  return words
    .map((word, index) => {
      const edge = index === 0 || index === last || /[:.!?–—-]$/.test(words[index - 1] ?? '');
      return !edge && SMALL_WORDS.has(word.toLowerCase()) ? word.toLowerCase() : capitalize(word);
    })
    .join(' ');
}

/** Names the first category whose keywords appear as words in the text, else `Other`. */
export function guessCategory(text: string): string {
  const words = new Set(text.toLowerCase().match(/\p{L}+/gu) ?? []);
  const found = Object.entries(CATEGORY_WORDS).find(([, keys]) => keys.some((key) => words.has(key)));
  return found?.[0] ?? 'Other';
}

const SMALL_WORDS = new Set(
  'a an and as at but by for from in into nor of on or over per the to up via vs with'.split(' '),
);

const CATEGORY_WORDS: Record<string, string[]> = {
  Horror: ['horror', 'haunted', 'ghost', 'zombie', 'vampire', 'scream', 'nightmare'],
  'Science Fiction': ['space', 'alien', 'aliens', 'robot', 'galaxy', 'star', 'stars', 'mars', 'future'],
  Western: ['western', 'cowboy', 'gunslinger', 'outlaw', 'sheriff'],
  War: ['war', 'soldier', 'battle', 'army', 'platoon'],
  Romance: ['love', 'romance', 'wedding', 'bride', 'valentine'],
  Comedy: ['comedy', 'funny', 'hilarious', 'laugh', 'stupid'],
  Adventure: ['adventure', 'quest', 'treasure', 'pirates', 'island', 'lost'],
  Crime: ['crime', 'murder', 'detective', 'heist', 'gangster', 'mob', 'killer'],
  Music: ['music', 'song', 'concert', 'opera', 'album'],
  Documentary: ['documentary', 'biography', 'history'],
};

function capitalize(word: string): string {
  if (ROMAN.test(word)) return word.toUpperCase();
  // Only the first letter of each hyphenated part is touched: McQueen, WALL-E and don't keep their shape.
  return word.replace(/(^|-)([^\p{L}]*)(\p{L})/gu, (_, dash, before, letter) =>
    /\p{N}/u.test(before) ? `${dash}${before}${letter}` : `${dash}${before}${letter.toUpperCase()}`,
  );
}

/** Numbers of sequels, also before a colon; the pronoun I is one of them to its profit. */
const ROMAN = /^(I{1,3}|IV|VI{0,3}|IX|XI{0,3})[:,.!?]?$/i;

function isYear(word: string): boolean {
  return /^\(\d{4}\)$/.test(word);
}

function collapseSpaces(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
