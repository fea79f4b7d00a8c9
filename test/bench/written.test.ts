import { jobAt, lifeOf } from '../../bench/growth/records';
import { written } from '../../bench/growth/stored';
import { openMemoryStore } from '../../src/store/memory';

test('a write that is measured has written: the life of a job that there is already is no measure', async () => {
  const store = openMemoryStore();
  const job = jobAt(1);
  for (const decide of lifeOf(job)) await store.update(job.job_id, written(decide));
  const again = store.update(job.job_id, written(lifeOf(job)[0]!));
  await expect(again).rejects.toThrow('A fresh job was not written');
});
