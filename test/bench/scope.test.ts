import { existsSync } from 'node:fs';
import { Scope } from '../../bench/support/scope';

test('everything that was opened is ended, the last first, though one of them fails', async () => {
  const scope = new Scope();
  const ended: string[] = [];
  const folder = scope.folder('bench-scope-');
  scope.atEnd(() => ended.push('first'));
  scope.atEnd(() => {
    throw new Error('this one does not end');
  });
  await scope.open(Promise.resolve('last'), (name) => ended.push(name));
  await expect(scope.end()).rejects.toThrow('this one does not end');
  expect(ended).toEqual(['last', 'first']);
  expect(existsSync(folder)).toBe(false);
});

test('what is still being opened when the end comes is ended once it is open', async () => {
  const scope = new Scope();
  let opened: (name: string) => void = () => undefined;
  const ended: string[] = [];
  void scope.open(new Promise<string>((done) => (opened = done)), (name) => ended.push(name));
  const end = scope.end();
  opened('server');
  await end;
  expect(ended).toEqual(['server']);
});

test('a part is ended with its own work, and with the whole where that is interrupted, once', async () => {
  const scope = new Scope();
  const ended: string[] = [];
  await scope.within(async (inner) => inner.atEnd(() => ended.push('done')));
  expect(ended).toEqual(['done']);
  void scope.within((inner) => {
    inner.atEnd(() => ended.push('interrupted'));
    return new Promise(() => undefined);
  });
  await scope.end();
  expect(ended).toEqual(['done', 'interrupted']);
  expect(() => scope.folder('bench-scope-')).toThrow('ended already');
});
