import { LeaseWatch } from '../../src/store/lease-watch';
import { storedJob } from '../support/stored-job';

const HOUR = 3_600_000;
const LEASE = 15_000;
/** When the owner, by its own clock, wrote the lease. */
const WRITTEN = 10 * HOUR;

/** A contender whose clock is so far from the owner's; `passes` lets time go by on both. */
function contender(apart: number) {
  let passed = 0;
  const watch = new LeaseWatch(() => passed);
  return {
    passes: (ms: number) => {
      passed += ms;
    },
    /** How long the lease has still to go, as a claim would be told. */
    left(revision = 'r1', written = WRITTEN) {
      const lease = { lease_until: written + LEASE, updated_at: written };
      const job = storedJob('job', { status: 'IN_PROGRESS', ...lease });
      return (
        job.lease_until! - watch.tell({ job, revision, leaseMs: LEASE }, WRITTEN + passed + apart, passed)
      );
    },
  };
}

test.each([[HOUR], [LEASE], [0], [-HOUR]])(
  'a lease that is not renewed ends when it was watched for its length, by clocks that are %d ms apart',
  (apart) => {
    const { left, passes } = contender(apart);
    expect(left()).toBeGreaterThan(0);
    expect(left()).toBeLessThanOrEqual(LEASE);
    passes(LEASE - 1);
    expect(left()).toBe(1);
    passes(1);
    expect(left()).toBeLessThanOrEqual(0);
  },
);

test.each([[HOUR], [0], [-HOUR]])(
  'a lease that is renewed in time never ends, by clocks that are %d ms apart',
  (apart) => {
    const { left, passes } = contender(apart);
    for (let renewal = 0; renewal < 20; renewal++) {
      expect(left(`r${renewal}`, WRITTEN + renewal * (LEASE / 3))).toBeGreaterThan(0);
      passes(LEASE / 3);
    }
  },
);

test('a renewal by an owner whose clock stands still is a renewal', () => {
  const { left, passes } = contender(HOUR);
  left('r1');
  passes(LEASE - 1);
  left('r2');
  passes(LEASE - 1);
  expect(left('r2')).toBe(1);
});

test('what was written last is not before what was written first', () => {
  const job = storedJob('job', { updated_at: WRITTEN });
  const behind = new LeaseWatch(() => 0).tell({ job, revision: 'r1', leaseMs: 0 }, WRITTEN - HOUR, 0);
  expect(behind).toBe(WRITTEN);
});
