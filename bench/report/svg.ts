import type { BenchResult, ContestantResult } from '../measure/results';

/** A figure of one contestant; `label` is what is written, the bar is as long as `value`. */
export interface Bar {
  title: string;
  /** Null = nothing was measured: no bar, and the label says so. */
  value: number | null;
  label: string;
  /** Ours are drawn in another colour. */
  isOurs: boolean;
}

/** Bars of one figure, one below the other. */
export interface Panel {
  heading: string;
  bars: Bar[];
}

const [WIDTH, NAME, LABEL, ROW, HEAD, CAPTION, GAP] = [760, 190, 150, 22, 30, 15, 14];
const [OURS, OTHERS] = ['#2563eb', '#94a3b8'];

/** The run as a picture that needs no script, no font and no style sheet; it is read on light and dark pages. */
export function toSvg(result: BenchResult): string {
  return drawPanels(panelsOf(result), ...captionOf(result));
}

/** The figures that are drawn: those that were measured of anybody. */
export function panelsOf({ contestants, ratios }: BenchResult): Panel[] {
  const ran = contestants.filter(({ levels }) => levels.length > 0);
  const panel = (
    heading: string,
    value: (one: ContestantResult) => number | null | undefined,
    show: (value: number) => string,
  ): Panel => ({
    heading,
    bars: ran.map((one) => {
      const found = value(one) ?? null;
      return {
        title: one.title,
        value: found,
        label: found === null ? '-' : show(found),
        isOurs: isOurs(one.name),
      };
    }),
  });
  const killJobs = ran.find(({ kill }) => kill)?.kill?.jobs ?? 0;
  const at = ({ levels }: ContestantResult, n: number) => levels.find(({ inFlight }) => inFlight === n);
  const panels = [
    panel('Submit to answer, p50, one at a time (ms; shorter is better)', (one) => at(one, 1)?.p50Ms, round),
    panel('Jobs a second, 100 in flight', (one) => at(one, 100)?.jobsPerSecond, round),
    panel('Completed duplicates a second', (one) => one.duplicates?.perSecond, round),
    panel(
      `Calls billed for ${killJobs} jobs, their worker killed in mid-call (${killJobs} is right)`,
      (one) => one.kill?.calls,
      (calls) => String(calls),
    ),
    {
      heading: 'Times the bare workflow, p50 (1.00 = no slower)',
      bars: ratios.map(({ name, inFlight, p50 }) => ({
        title: `${name}, ${inFlight} in flight`,
        value: p50.median,
        label: `${p50.median.toFixed(2)} (${p50.low.toFixed(2)} to ${p50.high.toFixed(2)})`,
        isOurs: true,
      })),
    },
  ];
  return panels.filter(({ bars }) => bars.some(({ value }) => value !== null));
}

/** Draws panels one below the other; each has a scale of its own. */
export function drawPanels(panels: readonly Panel[], ...captions: string[]): string {
  const parts: string[] = [];
  let y = GAP;
  for (const { heading, bars } of panels) {
    parts.push(text(0, y + 16, heading, 'font-weight="bold"'));
    y += HEAD;
    const most = Math.max(...bars.map(({ value }) => value ?? 0)) || 1;
    for (const bar of bars) {
      const length = ((bar.value ?? 0) / most) * (WIDTH - NAME - LABEL);
      const fill = bar.isOurs ? OURS : OTHERS;
      parts.push(text(NAME - 8, y + 14, bar.title, 'text-anchor="end"'));
      parts.push(
        `<rect x="${NAME}" y="${y + 3}" width="${length.toFixed(1)}" height="${ROW - 7}" fill="${fill}"/>`,
      );
      parts.push(text(NAME + length + 6, y + 14, bar.label));
      y += ROW;
    }
    y += GAP;
  }
  for (const caption of captions) {
    parts.push(text(0, y + 12, caption, 'font-size="11"'));
    y += CAPTION;
  }
  const height = y + GAP;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="13" fill="#64748b" role="img">`,
    `<title>${escapeXml(captions.join(', '))}</title>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function captionOf({ date, machine, command }: BenchResult): string[] {
  return [command, `${date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`];
}

function isOurs(name: string): boolean {
  return name === 'client' || name === 'gateway';
}

function round(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function text(x: number, y: number, content: string, more = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${more}>${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
