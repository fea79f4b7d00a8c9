import type { BenchResult, ContestantResult, LevelResult } from '../measure/results';
import { maybe, ms, ratio, table, wrap } from './cells';

/** What the calls billed after a kill rest on. */
const RECOVERY_NOTE: Record<string, string> = {
  stored:
    "infer-once runs with recovery `stored`: the provider keeps its completions, and the answers that were lost are fetched from there. With recovery `none` it would be as many calls, and the killed worker's jobs IN_DOUBT until somebody decides.",
};

/** The whole run as text, for people. */
export function toText(result: BenchResult): string {
  return [heading(result), ...sections(result), result.faults.join('\n')].filter(Boolean).join('\n\n');
}

function heading({ date, command, machine, delayMs, contestants, servers, seconds }: BenchResult): string {
  const { cpu, cores, memoryGb, os, node } = machine;
  const versions = { ...Object.assign({}, ...contestants.map((one) => one.versions)), ...servers };
  return [
    `${command}, ${date.slice(0, 10)}, ${Math.round(seconds / 60)} min`,
    `${cpu}, ${cores} cores, ${memoryGb} GB, ${os}, Node ${node}`,
    wrap(
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ),
    `The provider takes ${delayMs} ms for each call.`,
  ].join('\n');
}

function sections({ contestants, ratios, recovery }: BenchResult): string[] {
  const ran = contestants.filter(({ levels }) => levels.length > 0);
  const inFlight = [...new Set(ran.flatMap(({ levels }) => levels.map((level) => level.inFlight)))];
  const at = ({ levels }: ContestantResult, n: number) => levels.find((level) => level.inFlight === n);
  const heads = inFlight.map((n) => `${n.toLocaleString('en')} in flight`);
  const perLevel = (title: string, show: (level: LevelResult) => string) =>
    table(
      [title, ...heads],
      ran.map((one) => [one.title, ...inFlight.map((n) => maybe(at(one, n), show))]),
    );
  const cpuAt = inFlight.includes(100) ? 100 : inFlight.at(-1)!;
  const found = [
    perLevel('submit to answer, ms, p50 / p99 (jobs)', times),
    perLevel('jobs a second', ({ jobsPerSecond }) => String(Math.round(jobsPerSecond))),
    table(
      [
        'what else',
        'duplicates/s',
        'p50 ms',
        'CPU ms/job, worker',
        'with all',
        'history bytes',
        'events',
        'worker MB',
      ],
      ran.map((one) => {
        const { duplicates, history, memory } = one;
        return [
          one.title,
          maybe(duplicates, ({ perSecond }) => Math.round(perSecond).toLocaleString('en')),
          maybe(duplicates, ({ p50Ms }) => ms(p50Ms)),
          maybe(at(one, cpuAt)?.workerCpuMs, (value) => value.toFixed(1)),
          maybe(at(one, cpuAt)?.allCpuMs, (value) => value.toFixed(1)),
          maybe(history, ({ bytes }) => bytes.toLocaleString('en')),
          maybe(history, ({ events }) => String(events)),
          maybe(memory, ({ mb, afterJobs }) => `${Math.round(mb)} after ${afterJobs.toLocaleString('en')}`),
        ];
      }),
    ),
  ];
  if (ran.some(({ kill }) => kill)) {
    found.push(
      `${table(
        ['SIGKILL in mid-call', 'calls billed', 'answered', 'kill to last answer, s'],
        ran.map(({ title, kill }) => [
          title,
          maybe(kill, ({ calls, jobs }) => `${calls} for ${jobs} jobs`),
          maybe(kill, ({ answered, jobs }) => `${answered} of ${jobs}`),
          maybe(kill?.recoveryMs, (value) => (value / 1000).toFixed(1)),
        ]),
      )}\n${wrap(RECOVERY_NOTE[recovery] ?? `infer-once runs with recovery ${recovery}.`)}`,
    );
  }
  if (ratios.length > 0) {
    const { confidence } = ratios[0]!.p50;
    found.push(
      `${table(
        [
          'against the bare workflow',
          'p50 of a job',
          'wall-clock time a job',
          'CPU time a job',
          'rounds x jobs',
        ],
        ratios.map(({ name, inFlight, p50, time, cpu, rounds, jobsARound }) => [
          `${contestants.find((one) => one.name === name)!.title}, ${inFlight} in flight`,
          ratio(p50),
          ratio(time),
          maybe(cpu, ratio),
          `${rounds} x ${jobsARound}`,
        ]),
      )}\nMedian of rounds that alternate, with its interval by order statistics (${(100 * confidence).toFixed(1)} %).`,
    );
  }
  return found;
}

/** The p99 of under a hundred is the longest, and is called so. */
function times({ jobs, p50Ms, p99Ms, maxMs }: LevelResult): string {
  const high = jobs < 100 ? `max ${ms(maxMs)}` : ms(p99Ms);
  return `${ms(p50Ms)} / ${high} (${jobs.toLocaleString('en')})`;
}
