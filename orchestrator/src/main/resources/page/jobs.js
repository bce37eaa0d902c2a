// Jobs as cards: each with its latest run in each database, and the buttons that steer it.

import { say } from './api.js';
import { NotLetIn, notLetIn } from './door.js';
import { $, copy, duration, list, make, set, whole } from './parts.js';

const OFTEN = 1000;
const RATE_OVER = 10_000;
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

const rates = new Map();
const shown = new Map();
let whenSaid = () => {};

/** Has this called when something was said to a job. */
export function afterwards(callback) {
  whenSaid = callback;
}

/** Rows a second over the last seconds, from what was seen of a run; null while too little was seen. */
export function rate(run, now) {
  const seen = rates.get(run.id) ?? [];
  const last = seen[seen.length - 1];
  if (last && last.rows > run.rows.scanned) seen.length = 0;
  if (!seen.length || seen[seen.length - 1].at < now) seen.push({ at: now, rows: run.rows.scanned });
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
    if (speed !== null) parts.push(`${whole(speed)} rows/s`);
  }
  if (run.state === 'RUNNING' && run.eta !== null) parts.push(left(run));
  const { scanned, remaining } = run.rows;
  const everything = scanned + remaining;
  // In a further pass the figures are those of several passes: no whole can be made of them.
  const isWhole = remaining !== null && Math.abs(scanned / everything - run.progress) < 0.01;
  const of = isWhole && UNDER_WAY.includes(run.state) ? ` of about ${whole(everything)}` : '';
  parts.push(`${whole(scanned)}${of} rows`);
  if (run.rows.quarantined > 0) parts.push(`${whole(run.rows.quarantined)} in quarantine`);
  if (run.finished && run.started) {
    parts.push(`in ${duration((Date.parse(run.finished) - Date.parse(run.started)) / 1000)}`);
  }
  return parts.join(' · ');
}

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
  const name = $('h2 a', card);
  set(name, job.job);
  name.href = `#job/${job.job}`;
  set($('.description', card), job.description ?? '');
  $('.waiting', card).hidden = job.runs.length > 0;
  list($('.runs', card), job.runs, (run) => run.database, () => copy('#run'), (row, run) => showRun(row, run, job, now));
  const group = $('.buttons', card);
  group.setAttribute('aria-label', `Steer ${job.job}`);
  list(group, verbs(job), (verb) => verb, (verb) => button(verb, job.job), () => {});
}

/** Shows jobs as the cards of a list. */
export function showJobs(parent, jobs, now) {
  list(parent, jobs, (job) => job.job, () => copy('#job'), (card, job) => showJob(card, job, now));
}

function button(verb, job) {
  const made = make('button', verb);
  made.type = 'button';
  made.addEventListener('click', () => ask(verb, job));
  return made;
}

function ask(verb, job) {
  const dialog = $('#ask');
  set($('#ask-title'), `${verb} ${job}?`);
  set($('#ask-yes'), verb);
  $('#ask-reason').value = '';
  dialog.returnValue = '';
  dialog.onclose = () => dialog.returnValue === 'yes' && carryOut(verb, job, $('#ask-reason').value.trim());
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

async function carryOut(verb, job, reason) {
  let text;
  try {
    const problem = await say(verb, job, reason);
    text = problem ? `${verb} was refused: ${problem}` : '';
  } catch (error) {
    if (error instanceof NotLetIn) notLetIn(error);
    text = error instanceof NotLetIn
      ? `${verb} was refused: ${error.message}`
      : `${verb} got no answer; whether it was done shows in the state`;
  }
  const answer = $('.answer', shown.get(job));
  set(answer, text);
  answer.className = `answer${text ? ' refused' : ''}`;
  whenSaid();
}
