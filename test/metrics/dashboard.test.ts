import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addStoreGauges, createMetrics } from '../../src/metrics';
import { openMemoryStore } from '../../src/store/memory';

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  targets?: { expr: string; legendFormat: string; datasource: { uid: string } }[];
}

const dashboard = JSON.parse(readFileSync(join(__dirname, '../../docs/grafana.json'), 'utf8'));
const panels: Panel[] = dashboard.panels;
/** Grafana's own spelling of the variable. */
const CHOSEN = ['$', '{datasource}'].join('');
const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

describe('the Grafana dashboard shows what the registry exports', () => {
  /** Each name that a query may ask for, with its labels. */
  const exported = async () => {
    const metrics = createMetrics();
    addStoreGauges(metrics, openMemoryStore());
    const names = new Map<string, string[]>();
    for (const { name, type } of await metrics.registry.getMetricsAsJSON()) {
      const { labelNames } = metrics.registry.getSingleMetric(name) as unknown as { labelNames: string[] };
      const isHistogram = String(type) === 'histogram';
      for (const suffix of isHistogram ? ['_bucket', '_sum', '_count'] : ['']) {
        names.set(name + suffix, suffix === '_bucket' ? [...labelNames, 'le'] : labelNames);
      }
    }
    return names;
  };
  const namesIn = (text: string) => text.match(/infer_once_[a-z_]+/g) ?? [];

  test('every metric and label that it asks for exists', async () => {
    const names = await exported();
    const asked = [
      ...queries,
      ...dashboard.templating.list.map((v: { definition?: string }) => v.definition ?? ''),
    ];
    expect(asked.filter((text) => text && namesIn(text).length === 0)).toEqual([]);
    expect(asked.flatMap(namesIn).filter((name) => !names.has(name))).toEqual([]);
    for (const expr of queries) {
      const [name] = namesIn(expr);
      const by = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(', '));
      const matched = [...expr.matchAll(/([a-z_]+)=~?"/g)].map(([, label]) => label!);
      for (const label of [...by, ...matched])
        expect([expr, names.get(name!)]).toEqual([expr, expect.arrayContaining([label])]);
    }
  });

  test('every metric of ours is on it', async () => {
    const shown = new Set(queries.flatMap(namesIn).map((name) => name.replace(/_(bucket|sum|count)$/, '')));
    const ours = [...(await exported()).keys()].map((name) => name.replace(/_(bucket|sum|count)$/, ''));
    expect([...new Set(ours)].filter((name) => !shown.has(name))).toEqual([]);
  });

  test('what every process tells of the store is not added up over them, and counters are', () => {
    for (const expr of queries) {
      if (/infer_once_(jobs(?!_settled)|jobs_in_doubt|store_(up|stats_age))/.test(expr))
        expect(expr).toMatch(/\b(max|min)\b/);
      else expect(expr).toMatch(/\b(rate|increase)\(/);
    }
  });

  test('Grafana can import it: a schema version, places that do not overlap, a data source to choose', () => {
    expect(dashboard).toMatchObject({ title: 'infer-once', uid: 'infer-once' });
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
    expect(dashboard.templating.list[0]).toMatchObject({
      type: 'datasource',
      name: 'datasource',
      query: 'prometheus',
    });
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { gridPos: at, title, type, targets, datasource } of panels) {
      expect([title, at.x + at.w <= 24, title !== '']).toEqual([title, true, true]);
      for (let x = at.x; x < at.x + at.w; x += 1) {
        for (let y = at.y; y < at.y + at.h; y += 1) {
          expect([title, taken.has(`${x} ${y}`)]).toEqual([title, false]);
          taken.add(`${x} ${y}`);
        }
      }
      if (type === 'row') continue;
      for (const source of [datasource, ...targets!.map((target) => target.datasource)]) {
        expect(source).toEqual({ type: 'prometheus', uid: CHOSEN });
      }
    }
  });
});
