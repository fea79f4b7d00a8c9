import type { Page } from 'playwright-core';

/**
 * The texts on view whose contrast with what is behind them is under 4.5 to 1, as WCAG 2.2 (1.4.3) counts it.
 * Takes every colour as opaque, and reads no picture.
 */
export async function poorContrasts(page: Page): Promise<string[]> {
  return (await page.evaluate(`(${IN_PAGE})()`)) as string[];
}

// as text: the tests are not compiled for a browser
const IN_PAGE = `() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    throw new Error('no background');
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const poor = [];
  while (texts.nextNode()) {
    const text = texts.currentNode.data.trim();
    const node = texts.currentNode.parentElement;
    if (!text || !node.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(ratio.toFixed(2) + ' ' + text);
  }
  return poor;
}`;
