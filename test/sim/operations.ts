import type { Operations, Outcome, Polled } from '../../src/once/outcome';
import type { Proc } from './process';
import { outcomeOf, type SimProvider } from './provider';

/**
 * The calls that the provider runs by itself, as one process asks for them. An operation's id is its call's.
 *
 * @param reached - told of a final outcome that has come into the living process
 */
export function operationsOf(
  provider: SimProvider,
  proc: Proc,
  reached: (callId: string, outcome: Outcome) => void,
): Operations {
  const { world } = proc;

  /** Asks, and takes the answer in where the process still lives. */
  function ask<T>(look: () => T, take: (value: T) => void = () => undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      world.after(world.rng.between(5, 500), () => {
        if (provider.isAway()) return proc.enter(() => reject(new Error('the provider can not be asked')));
        const value = look();
        world.after(world.rng.between(1, 100), () =>
          proc.enter(() => {
            take(value);
            resolve(value);
          }),
        );
      });
    });
  }

  return {
    poll: (operation) =>
      ask<Polled>(
        () => {
          const call = provider.calls.get(operation)!;
          if (call.isCanceled) return { kind: 'unknown', reason: 'the response was cancelled' };
          if (call.answer === 'failed') {
            return { kind: 'stated_failure', reason: 'provider_failed', message: 'failed' };
          }
          if (call.answer) return outcomeOf(call);
          return { kind: world.now >= call.goneAt ? 'gone' : 'running' };
        },
        (polled) => {
          if (polled.kind !== 'running' && polled.kind !== 'gone') reached(operation, polled);
        },
      ),
    cancel: (operation) =>
      ask(() => {
        const call = provider.calls.get(operation)!;
        if (call.answer !== null) return;
        call.isCanceled = true;
        world.log('provider', () => `${operation} is stopped`);
      }),
  };
}
