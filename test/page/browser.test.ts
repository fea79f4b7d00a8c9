import { findChromium } from '../support/chromium';

describe('the browser of these tests', () => {
  test('is the one that CHROMIUM_PATH names, else the one on the PATH', () => {
    expect(findChromium({ CHROMIUM_PATH: process.execPath, PATH: '/none' })).toBe(process.execPath);
    expect(findChromium()).toMatch(/\S/);
  });

  test.each([
    ['there is none', { PATH: '/none:' }, /^There is no chromium on the PATH; .*apt-get install .* chromium/],
    [
      'it is named wrong',
      { CHROMIUM_PATH: '/none' },
      /^There is no program at CHROMIUM_PATH \(\/none\); .*apt-get/,
    ],
    ['a folder is named', { CHROMIUM_PATH: '/' }, /^There is no program at CHROMIUM_PATH/],
  ])('%s: one sentence says how to install it', (_, env, sentence) => {
    expect(() => findChromium(env)).toThrow(sentence);
  });
});
