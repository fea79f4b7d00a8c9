import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { done, type Expected, type Recovery } from '../support/kill-table';
import { type Death, runKilledAgain } from '../support/killed-job';

/** The deaths of one job's workers, in their order, and what is left of it. */
interface Series extends Expected {
  name: string;
  recovery: Recovery;
  deaths: Death[];
}

const IN_DOUBT = { status: 'IN_DOUBT', billed: 'unknown', result: null } as const;

/** Where a call was never sent (`before_send`), a person has it sent again; the dead that come later never do. */
const SERIES: Series[] = [
  {
    ...{ name: 'stored', recovery: 'stored', billed: 1, record: done('recovered', 1) },
    deaths: [
      { point: 'before_claim' },
      { point: 'in_call' },
      { point: 'after_answer' },
      { point: 'before_save' },
      { point: 'after_save' },
      { point: 'before_report' },
      { point: 'before_workflow_completes' },
    ],
  },
  {
    ...{ name: 'stored-sent-again', recovery: 'stored', billed: 1, record: done('recovered', 2) },
    deaths: [
      { point: 'before_send' },
      { point: 'in_call', decide: 'rerun' },
      { point: 'after_answer' },
      { point: 'before_report' },
    ],
  },
  {
    ...{ name: 'background', recovery: 'background', billed: 1, record: done('inference', 1) },
    deaths: [
      { point: 'before_claim' },
      { point: 'after_operation_saved' },
      { point: 'after_answer' },
      { point: 'before_save' },
      { point: 'after_save' },
      { point: 'before_report' },
    ],
  },
  {
    ...{ name: 'background-sent-again', recovery: 'background', billed: 1, record: done('inference', 2) },
    deaths: [
      { point: 'before_send' },
      { point: 'after_operation_saved', decide: 'rerun' },
      { point: 'after_answer' },
      { point: 'before_report' },
    ],
  },
  {
    ...{ name: 'none', recovery: 'none', billed: 1, record: { ...IN_DOUBT, attempts: 1 } },
    deaths: [{ point: 'before_claim' }, { point: 'in_call' }, { point: 'before_report' }],
  },
  {
    ...{ name: 'none-sent-again', recovery: 'none', billed: 1, record: { ...IN_DOUBT, attempts: 2 } },
    deaths: [{ point: 'before_send' }, { point: 'in_call', decide: 'rerun' }, { point: 'before_report' }],
  },
];

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
});
afterAll(() => world.stop());

test.concurrent.each(SERIES)(
  'one job whose workers are killed one after the other ($name): one call, and the record that is left',
  async ({ name, recovery, deaths, ...expected }) => {
    const { record, billed } = await runKilledAgain(world, name, recovery, deaths);
    expect({ billed, record }).toMatchObject(expected);
  },
  300_000,
);

endsWithPromisesKept(() => world);
