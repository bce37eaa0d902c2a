// Shows the jobs of the daemon that served this page, and lets a person steer them. Asks once a second.

import { NotLetIn, authorization, letIn, notLetIn, whenEntered } from './door.js';

const OFTEN = 1000;
const RATE_OVER = 10_000;
const PATIENCE = 5_000;
const VERBS = {
  PENDING: ['pause', 'cancel'],
  RUNNING: ['pause', 'cancel'],
  VERIFYING: ['pause', 'cancel'],
  PAUSED: ['resume', 'cancel'],
  SUCCEEDED: ['start', 'verify'],
  FAILED: ['retry', 'start'],
  CANCELLED: ['start'],
};
const UNDER_WAY = ['RUNNING', 'PAUSED'];

const $ = (selector, within = document) => within.querySelector(selector);
const whole = new Intl.NumberFormat('en');
const rates = new Map();
const shown = new Map();
let answered = null;

function duration(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours} h ${Math.floor((seconds % 3600) / 60)} min` : `${Math.floor(hours / 24)} days`;
}

/** Rows a second over the last seconds, from what was seen of a run; null while too little was seen. */
function rate(run, now) {
  const seen = rates.get(run.id) ?? [];
  if (seen.length && seen[seen.length - 1].rows > run.rows.scanned) seen.length = 0;
  seen.push({ at: now, rows: run.rows.scanned });
  while (seen.length > 2 && seen[0].at < now - RATE_OVER) seen.shift();
  rates.set(run.id, seen);
  const first = seen[0];
  return now - first.at < OFTEN ? null : ((run.rows.scanned - first.rows) * 1000) / (now - first.at);
}

function look(run) {
  if (run.hold) return 'held';
  return { PAUSED: 'paused', SUCCEEDED: 'done', FAILED: 'failed', CANCELLED: '' }[run.state] ?? 'moving';
}

function left(run) {
  const [least, most] = run['eta-range'].map(duration);
  return `about ${duration(run.eta)} left${least === most ? '' : ` (${least} to ${most})`}`;
}

function figures(run, now) {
  const parts = [];
  const speed = rate(run, now);
  if (run.state === 'RUNNING' && !run.hold) {
    if (speed !== null) parts.push(`${whole.format(Math.round(speed))} rows/s`);
  }
  if (run.state === 'RUNNING' && run.eta !== null) parts.push(left(run));
  const { scanned, remaining } = run.rows;
  const all = scanned + remaining;
  // In a further pass the figures are those of several passes: no whole can be made of them.
  const isWhole = remaining !== null && Math.abs(scanned / all - run.progress) < 0.01;
  const of = isWhole && UNDER_WAY.includes(run.state) ? ` of about ${whole.format(all)}` : '';
  parts.push(`${whole.format(scanned)}${of} rows`);
  if (run.rows.quarantined > 0) parts.push(`${whole.format(run.rows.quarantined)} in quarantine`);
  if (run.finished && run.started) {
    parts.push(`in ${duration((Date.parse(run.finished) - Date.parse(run.started)) / 1000)}`);
  }
  return parts.join(' · ');
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Brings a list to what its items should be, by their keys, without touching what stays. */
function list(parent, items, key, make, update) {
  const wanted = new Set(items.map(key));
  const there = new Map();
  for (const child of [...parent.children]) {
    if (wanted.has(child.dataset.key)) there.set(child.dataset.key, child);
    else child.remove();
  }
  items.forEach((item, index) => {
    let child = there.get(key(item));
    if (!child) {
      child = make(item);
      child.dataset.key = key(item);
    }
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
    update(child, item);
  });
}

const copy = (template) => $(template).content.firstElementChild.cloneNode(true);

function showRun(row, run, job, now) {
  const kind = look(run);
  const state = $('.state', row);
  set(state, run.hold ? `${run.state}, held: ${run.hold.reason}` : run.state);
  state.className = `state ${kind}`;
  set($('.database', row), run.database);
  set($('.figures', row), figures(run, now));
  const bar = $('.bar', row);
  const percent = Math.floor(run.progress * 100);
  bar.className = `bar ${kind}`;
  bar.setAttribute('aria-valuenow', percent);
  bar.setAttribute('aria-label', `${job.job} in ${run.database}`);
  bar.title = `${percent} %`;
  bar.firstElementChild.style.width = `${run.progress * 100}%`;
  set($('.why', row), run.hold?.detail ?? run.reason ?? '');
}

function verbs(job) {
  if (job.runs.length === 0) return ['start'];
  return [...new Set(job.runs.flatMap((run) => VERBS[run.state] ?? []))];
}

function showJob(card, job, now) {
  shown.set(job.job, card);
  set($('h2', card), job.job);
  set($('.description', card), job.description ?? '');
  $('.waiting', card).hidden = job.runs.length > 0;
  list($('.runs', card), job.runs, (run) => run.database, () => copy('#run'), (row, run) => showRun(row, run, job, now));
  const group = $('.buttons', card);
  group.setAttribute('aria-label', `Steer ${job.job}`);
  list(group, verbs(job), (verb) => verb, (verb) => button(verb, job.job), () => {});
}

function button(verb, job) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = verb;
  made.addEventListener('click', () => ask(verb, job));
  return made;
}

function ask(verb, job) {
  const dialog = $('#ask');
  set($('#ask-title'), `${verb} ${job}?`);
  set($('#ask-yes'), verb);
  $('#ask-reason').value = '';
  dialog.returnValue = '';
  dialog.onclose = () => dialog.returnValue === 'yes' && say(verb, job, $('#ask-reason').value.trim());
  dialog.showModal();
  $('#ask-reason').focus();
}

// Enter in the field means what the question is about, and not the first button of the form.
$('#ask-reason').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.isComposing) return;
  event.preventDefault();
  if (event.repeat) return; // still held down from the button that opened the question
  $('#ask').close('yes');
});

async function say(verb, job, reason) {
  const answer = $('.answer', shown.get(job));
  answer.className = 'answer';
  try {
    const response = await fetch(`api/v1/jobs/${encodeURIComponent(job)}/${verb}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...authorization() },
      body: JSON.stringify(reason ? { reason } : {}),
    });
    const body = await response.json();
    const problem = response.ok
      ? (body.refused ?? []).map((other) => `${other.database}: ${other.detail}`).join('; ')
      : (body.detail ?? `status ${response.status}`);
    set(answer, problem ? `${verb} was refused: ${problem}` : '');
    answer.classList.toggle('refused', problem !== '');
    refresh();
  } catch {
    set(answer, `${verb} got no answer; whether it was done shows in the state`);
    answer.classList.add('refused');
  }
}

function showDatabase(item, database) {
  const signals = database.signals ?? [];
  const lag = signals.filter((s) => s.signal === 'replication-lag' && s.value !== null).sort((a, b) => b.value - a.value)[0];
  const missing = signals.some((s) => s.signal === 'standby-missing' && s.verdict === 'hold');
  const expected = database.standbys?.length || 'no';
  const name = document.createElement('b');
  name.textContent = database.database;
  const text = database.status !== 'ready'
    ? ` ${database.status}: ${database.detail}`
    : missing ? ' a standby is missing'
      : lag ? ` worst lag ${lag.value.toFixed(1)} s of ${lag.limit.toFixed(1)} s` : ` ${expected} standbys`;
  if (item.textContent !== database.database + text) item.replaceChildren(name, text);
  item.className = database.status === 'ready' && !missing ? '' : 'bad';
}

function showStop(databases) {
  const stops = databases.flatMap((d) => (d.governors ?? []).filter((g) => g.governor === 'stopped' && g.pace === 0));
  const notice = $('#stopped');
  notice.hidden = stops.length === 0;
  set(notice, stops[0]?.detail ?? '');
}

async function get(path) {
  let response;
  let body;
  try {
    response = await fetch(path, {
      cache: 'no-store',
      headers: authorization(),
      signal: AbortSignal.timeout(PATIENCE),
    });
    body = await response.json();
  } catch {
    throw new Error(response && !response.ok ? `answers ${response.status} to ${path}` : 'does not answer');
  }
  if (response.ok) return body;
  if ([401, 429].includes(response.status)) throw new NotLetIn(body.detail);
  throw new Error(`answers ${response.status} to ${path}`);
}

async function everyJob() {
  const all = [];
  for (let after = ''; after !== null;) {
    const page = await get(`api/v1/jobs?limit=1000${after}`);
    all.push(...page.jobs);
    after = page.next === null ? null : `&after=${encodeURIComponent(page.next)}`;
  }
  return all;
}

async function refresh() {
  const connection = $('#connection');
  try {
    const [jobs, { databases }] = await Promise.all([everyJob(), get('api/v1/databases')]);
    const now = performance.now();
    list($('#jobs'), jobs, (job) => job.job, () => copy('#job'), (card, job) => showJob(card, job, now));
    list($('#databases'), databases, (d) => d.database, () => document.createElement('li'), showDatabase);
    showStop(databases);
    $('#none').hidden = jobs.length > 0;
    answered = new Date();
    document.body.classList.remove('stale');
    connection.classList.remove('gone');
    set(connection, 'live');
    letIn();
  } catch (error) {
    document.body.classList.add('stale');
    connection.classList.add('gone');
    if (error instanceof NotLetIn) {
      set(connection, `Not let in: ${error.message}`);
      notLetIn(error.message);
      return;
    }
    const since = answered ? ` since ${answered.toLocaleTimeString()}` : '';
    set(connection, `The daemon ${error.message}${since}; asked again every second`);
  }
}

async function watch() {
  if (!document.hidden || answered === null) await refresh();
  setTimeout(watch, OFTEN);
}

set($('#address'), location.origin);
whenEntered(refresh);
watch();
