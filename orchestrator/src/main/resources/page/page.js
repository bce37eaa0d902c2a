// Shows the daemon that served this page: its jobs, one of them, or its databases. Asks once a second.

import { all, get } from './api.js';
import { showDatabases, showHead, showStop } from './databases.js';
import { NotLetIn, letIn, notLetIn, whenEntered } from './door.js';
import { afterwards, showJobs } from './jobs.js';
import { showOne } from './one.js';
import { $, set } from './parts.js';

const OFTEN = 1000;

let answered = null;
let looking = false;
let onceMore = false;

/** What the address asks for: `job/NAME`, `databases`, or nothing for all jobs. */
function wanted() {
  const [view, name] = decodeURIComponent(location.hash.slice(1)).split('/', 2);
  return view === 'job' && name ? { view, name } : { view: view === 'databases' ? view : 'jobs' };
}

function show(view) {
  for (const section of document.querySelectorAll('main > section')) section.hidden = section.id !== `view-${view}`;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.view === view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

async function look() {
  const { view, name } = wanted();
  const { databases } = await get('api/v1/databases');
  showHead($('#databases'), databases);
  showStop($('#stopped'), databases);
  if (view === 'databases') {
    showDatabases($('#every-database'), databases);
  } else if (view === 'job') {
    show(view); // charts are as wide as what shows
    $('#unknown').hidden = await showOne(name, databases);
  } else {
    const jobs = await all('api/v1/jobs', 'jobs');
    showJobs($('#jobs'), jobs, performance.now());
    $('#none').hidden = jobs.length > 0;
  }
  if (wanted().view === view) show(view);
  document.title = view === 'job' ? `${name} – Backfills` : 'Backfills';
}

/** Looks now; while it is looked, once more behind that. */
async function refresh() {
  if (looking) {
    onceMore = true;
    return;
  }
  looking = true;
  do {
    onceMore = false;
    await lookOnce();
  } while (onceMore);
  looking = false;
}

async function lookOnce() {
  const connection = $('#connection');
  try {
    await look();
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
      notLetIn(error);
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
afterwards(refresh);
whenEntered(refresh);
addEventListener('hashchange', refresh);
watch();
