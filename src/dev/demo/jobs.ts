import type { JobInput } from '../../client';
import films from './films.json';

/** How many films there are. */
export const FILM_COUNT = films.length;

/** Each job is submitted so often. */
export const COPIES = 3;

/**
 * One `enrich` job a film: tidy its title, settle its category. The films' source and licence stand in
 * `films.md`.
 *
 * @param count - the first so many films
 */
export function filmJobs(count: number): JobInput[] {
  return films.slice(0, count).map(({ title, year, genre }, index) => ({
    job_id: `film-${String(index + 1).padStart(3, '0')}`,
    task: 'enrich',
    input: { title, description: `A film of ${year}.`, category: genre },
  }));
}

/**
 * What one of the two clients submits: of each job one copy or two, so that both together submit each
 * three times.
 *
 * @param client - 0 or 1
 */
export function submissionsOf(client: number, count: number): JobInput[] {
  return filmJobs(count).flatMap((job, index) => (index % 2 === client ? [job, job] : [job]));
}
