import { drawPanels } from '../../bench/report/svg';

describe('the chart of the bench', () => {
  const bar = { isOurs: false, label: '' };
  const drawn = drawPanels(
    [
      {
        heading: 'a < b & c',
        bars: [
          { ...bar, title: 'long', value: 200 },
          { ...bar, title: 'half', value: 100, isOurs: true },
          { ...bar, title: 'none', value: null, label: '-' },
        ],
      },
    ],
    'caption',
  );

  test('a bar is as long as its value, and one that was not measured has none', () => {
    const widths = [...drawn.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(widths[1]! / widths[0]!).toBeCloseTo(0.5, 2);
    expect(widths[2]).toBe(0);
  });

  test('ours have a colour of their own', () => {
    const colours = [...drawn.matchAll(/<rect [^>]*fill="([^"]+)"/g)].map(([, colour]) => colour);
    expect(colours[1]).not.toBe(colours[0]);
    expect(colours[2]).toBe(colours[0]);
  });

  test('what is written is escaped, and every value is named', () => {
    expect(drawn).toContain('a &lt; b &amp; c');
    for (const title of ['long', 'half', 'none', 'caption']) expect(drawn).toContain(`>${title}<`);
  });

  test('figures that are all 0 are drawn too', () => {
    expect(drawPanels([{ heading: 'h', bars: [{ ...bar, title: 't', value: 0 }] }], 'c')).not.toContain(
      'NaN',
    );
  });
});
