import type { BenchResult } from '../measure/results';
import { maybe, ms, ratio, table, wrap } from '../report/cells';
import type { MedianInterval } from '../report/statistics';
import type { ChoiceResult, LevelResult, SettingResult } from './measure';

/** A whole run. */
export interface SettingsResult
  extends Pick<BenchResult, 'date' | 'command' | 'machine' | 'servers' | 'delayMs'> {
  seconds: number;
  settings: SettingResult[];
  /** What could not be measured and why. */
  faults: string[];
}

/** The whole run as text: a table for each setting, then all of them in one as Markdown. */
export function toText(result: SettingsResult): string {
  const { machine, settings, command, date, seconds, delayMs, faults } = result;
  const { cpu, cores, memoryGb, os, node } = machine;
  const heading = [
    `${command}, ${date.slice(0, 10)}, ${Math.round(seconds / 60)} min`,
    `${cpu}, ${cores} cores, ${memoryGb} GB, ${os}, Node ${node}; a call takes ${delayMs} ms`,
  ].join('\n');
  const legend = wrap(
    'The first value of each is what infer-once has, with its own figures; the others are told by their ratio to it in the same round: the median of the rounds, with its interval by order statistics. Over 1 is worse.',
  );
  return [heading, legend, ...settings.map(settingTable), toMarkdown(settings), faults.join('\n')]
    .filter(Boolean)
    .join('\n\n');
}

function settingTable({ name, title, choices, rounds }: SettingResult): string {
  const rows = choices.flatMap((choice) =>
    choice.levels.map((level, n) => [
      n === 0 ? choice.label : '',
      String(level.inFlight),
      ...figures(level),
      n === choice.levels.length - 1 ? maybe(choice.workerMb, (mb) => `${Math.round(mb)} MB`) : '',
      `${rounds} x ${level.jobs}`,
    ]),
  );
  const heads = ['value', 'in flight', 'p50', 'time a job', 'CPU a job', 'worker', 'rounds x jobs'];
  const eager = choices.map(({ eagerStarts }) => eagerStarts).filter((starts) => starts !== null);
  const starts =
    eager.length > 0 ? `\nStarts whose first task came with the reply: ${eager.join(', ')}.` : '';
  return `${name}: ${title}\n${table(heads, rows)}${starts}`;
}

/** Its own figures where it is the present value, ratios to that one elsewhere. */
function figures({ ratios, p50Ms, jobsPerSecond, cpuMs }: LevelResult): string[] {
  if (ratios) return [ratio(ratios.p50), ratio(ratios.time), maybe(ratios.cpu, ratio)];
  return [`${ms(p50Ms)} ms`, `${ms(1000 / jobsPerSecond)} ms`, maybe(cpuMs, (own) => `${ms(own)} ms`)];
}

/** One line a value that is not the present one: p50 / time a job / CPU a job by load. */
export function toMarkdown(settings: readonly SettingResult[]): string {
  const loads = [
    ...new Set(settings.flatMap(({ choices }) => choices[0]!.levels.map((one) => one.inFlight))),
  ];
  const heads = ['setting', 'infer-once has', 'instead', ...loads.map((n) => `${n} in flight`)];
  const rows = settings.flatMap(({ title, choices: [present, ...others] }) =>
    others.map((other, n) => [
      ...(n === 0 ? [title, present!.label] : ['', '']),
      other.label,
      ...loads.map((load) => cell(other, load)),
    ]),
  );
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), `|${'---|'.repeat(heads.length)}`, ...rows.map(line)].join('\n');
}

function cell({ levels }: ChoiceResult, inFlight: number): string {
  return maybe(levels.find((level) => level.inFlight === inFlight)?.ratios, ({ p50, time, cpu }) =>
    [p50, time, cpu].map((one) => maybe(one, marked)).join(' / '),
  );
}

/** A ratio whose interval is on one side of 1 is bold. */
function marked({ median, low, high }: MedianInterval): string {
  return low > 1 || high < 1 ? `**${median.toFixed(2)}**` : median.toFixed(2);
}
