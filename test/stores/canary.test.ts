import { CANARY, fly, placesOf } from '../support/canary-flight';
import { STORE_SERVERS } from '../support/store-servers';

test.each([
  ['Redis', STORE_SERVERS.Redis],
  ['DynamoDB', STORE_SERVERS.DynamoDB],
])(
  'a canary that flies through a stack on %s is in nothing that it keeps with encryption on, and in some with it off',
  async (_, start) => {
    const keeper = await start();
    for (const encrypted of [true, false]) {
      const storeUrl = await keeper.newStore();
      const flight = await fly({ encrypted, storeUrl });
      const kept = await keeper.kept(storeUrl);
      expect(kept.includes('acme/well')).toBe(true);
      expect(kept.includes(CANARY)).toBe(!encrypted);
      if (encrypted) expect(await placesOf(CANARY, flight)).toEqual([]);
      await flight.stop();
    }
    await keeper.stop();
  },
);
