// One job: the slices of its runs, how fast they went since the page was opened, what they cost, and what happened.

import { all, get } from './api.js';
import { chart } from './charts.js';
import { rate, showJobs } from './jobs.js';
import { $, bytes, clock, copy, duration, list, make, set, whole } from './parts.js';

const MOST_EVENTS = 100;
const MOST_QUARANTINED = 50;
const SELDOM = 5_000;

let job = null;
let events = [];
let after = new Map();
let asked = -SELDOM;
const charts = new Map();

/** Begins to show a job; forgets another. */
function begin(name) {
  job = name;
  events = [];
  after = new Map();
  asked = -SELDOM;
  charts.forEach((of) => of.forEach((one) => one.remove()));
  charts.clear();
  $('#details').replaceChildren();
  $('#events').replaceChildren();
}

const state = { DONE: 'done', RUNNING: 'worked', READY: 'waiting' };

function showSlices(detail, slices) {
  const pass = Math.max(0, ...slices.map((slice) => slice.pass));
  const present = slices.filter((slice) => slice.pass === pass);
  const count = (wanted) => present.filter((slice) => slice.state === wanted).length;
  const text = present.length === 0
    ? 'not cut into slices yet'
    : `${count('DONE')} of ${present.length} slices done, ${count('RUNNING')} worked${pass > 1 ? `, pass ${pass}` : ''}`;
  set($('.slices', detail), text);
  const strip = $('.strip', detail);
  strip.setAttribute('aria-label', text);
  list(strip, present, (slice) => slice.number, () => make('span'), (part, slice) => {
    part.className = state[slice.state] ?? 'waiting';
    const process = slice.owner ? `, by ${slice.owner.split('/').slice(0, 2).join('/')}` : '';
    part.title = `slice ${slice.number}: ${state[slice.state]}${process}, ${whole(slice.rows.scanned)} rows in ${whole(slice.batches)} batches`;
  });
}

function showReport(detail, report) {
  const facts = [];
  const add = (name, text) => text && facts.push({ name, text });
  if (report !== null && report.started !== null) {
    const { committed, retried, split, fenced } = report.batches;
    const victims = report['lock-victims'];
    add('Began', clock(report.started));
    add('Ended', clock(report.finished));
    add('Rate with all it waited for', report.rate === null ? '' : `${whole(report.rate)} rows/s`);
    add('Held', report.held.map((h) => `${h.reason} ${duration(h.seconds)}`).join(', ') || 'never');
    add('Batches', `${whole(committed)}${retried ? `, ${retried} tried again` : ''}${split ? `, ${split} in parts` : ''}${fenced ? `, ${fenced} fenced off` : ''}`);
    add('Written to the log', report.wal === null ? '' : bytes(report.wal));
    add('Worst lag', report['worst-lag'] === null ? '' : `${report['worst-lag'].toFixed(1)} s`);
    add('Made wait', victims.count === 0 ? 'nobody' : `${victims.count} sessions, each free within ${duration(victims['freed-within'] ?? 0)}`);
    report.tables.filter((t) => t.dead > 0).forEach((t) => add(`Dead rows in ${t.table}`, `${whole(t.dead)}: ${t.advice}`));
  }
  list($('.report', detail), facts, (f) => f.name, (f) => {
    const pair = make('div');
    pair.append(make('dt', f.name), make('dd'));
    return pair;
  }, (pair, f) => set(pair.lastElementChild, f.text));
}

function showQuarantine(detail, entries) {
  $('.set-aside', detail).hidden = entries.length === 0;
  list($('.set-aside tbody', detail), entries, (entry) => JSON.stringify(entry.key), () => {
    const row = make('tr');
    row.append(make('td'), make('td'), make('td'));
    return row;
  }, (row, entry) => {
    set(row.children[0], (entry.key ?? []).join(', '));
    set(row.children[1], entry.error);
    set(row.children[2], clock(entry.at));
  });
}

function showCharts(detail, run, databases, now) {
  if (!charts.has(run.database)) {
    const plots = $('.plots', detail);
    charts.set(run.database, [
      chart(plots, 'Rows a second', ['rows/s']),
      chart(plots, 'Worst lag of a standby, seconds, and its budget', ['lag', 'budget'], true),
    ]);
  }
  const [speed, lags] = charts.get(run.database);
  const moving = run.state === 'RUNNING' || run.state === 'VERIFYING';
  const seconds = Date.now() / 1000;
  speed.add(seconds, [moving ? (rate(run, now) ?? 0) : 0]);
  const lag = (databases.find((d) => d.database === run.database)?.signals ?? [])
    .filter((s) => s.signal === 'replication-lag' && s.value !== null)
    .sort((a, b) => b.value - a.value)[0];
  lags.add(seconds, [lag?.value ?? null, lag?.limit ?? null]);
  if (lag) lags.show();
}

async function readEvents() {
  const behind = [...after].map(([database, id]) => `${encodeURIComponent(database)}:${id}`).join(',');
  const cursor = behind ? `&after=${encodeURIComponent(behind)}` : '';
  const page = await get(`api/v1/events?job=${encodeURIComponent(job)}&limit=1000${cursor}`);
  page.events.forEach((event) => after.set(event.database, Math.max(event.id, after.get(event.database) ?? 0)));
  events = [...page.events.reverse(), ...events].slice(0, MOST_EVENTS);
  return page.next !== null && page.events.length > 0 && readEvents();
}

function showEvents() {
  list($('#events'), events, (event) => `${event.database} ${event.id}`, () => {
    const row = make('tr');
    row.append(make('td'), make('td'), make('td'), make('td'), make('td'));
    return row;
  }, (row, event) => {
    const change = event.from ? `${event.from} → ${event.to}` : event.to;
    [clock(event.time), event.database, change, event.who, event.detail?.reason ?? '']
      .forEach((text, index) => set(row.children[index], text));
  });
}

/** Shows one job as it is now; answers whether there is one of that name. */
export async function showOne(name, databases) {
  if (name !== job) begin(name);
  const found = await get(`api/v1/jobs/${encodeURIComponent(name)}`);
  const now = performance.now();
  showJobs($('#one-card'), found === null ? [] : [found], now);
  const runs = found?.runs ?? [];
  list($('#details'), runs, (run) => run.database, () => copy('#detail'), (detail, run) => {
    set($('h3', detail), `Run ${run.id} in ${run.database}, revision ${run.revision}`);
    showCharts(detail, run, databases, now);
  });
  const full = now - asked >= SELDOM;
  if (full) asked = now;
  for (const run of runs) {
    const detail = $(`#details > [data-key="${CSS.escape(run.database)}"]`);
    showSlices(detail, await all(`api/v1/runs/${run.id}/slices`, 'slices'));
    if (full) {
      showReport(detail, await get(`api/v1/runs/${run.id}/report`));
      const aside = await get(`api/v1/runs/${run.id}/quarantine?limit=${MOST_QUARANTINED}`);
      showQuarantine(detail, aside?.quarantine ?? []);
    }
  }
  await readEvents();
  showEvents();
  return found !== null;
}
