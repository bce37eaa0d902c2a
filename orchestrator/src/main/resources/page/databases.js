// The databases: in the head a word each, and on a page of their own every signal with its limit and its age.

import { $, copy, list, make, set } from './parts.js';

const lagOf = (signals) =>
  signals.filter((s) => s.signal === 'replication-lag' && s.value !== null).sort((a, b) => b.value - a.value)[0];

/** Shows how the databases stand, a word each. */
export function showHead(parent, databases) {
  list(parent, databases, (d) => d.database, () => make('li'), (item, database) => {
    const signals = database.signals ?? [];
    const lag = lagOf(signals);
    const missing = signals.some((s) => s.signal === 'standby-missing' && s.verdict === 'hold');
    const expected = database.standbys?.length || 'no';
    const text = database.status !== 'ready'
      ? ` ${database.status}: ${database.detail}`
      : missing ? ' a standby is missing'
        : lag ? ` worst lag ${lag.value.toFixed(1)} s of ${lag.limit.toFixed(1)} s` : ` ${expected} standbys`;
    if (item.textContent !== database.database + text) item.replaceChildren(make('b', database.database), text);
    item.className = database.status === 'ready' && !missing ? '' : 'bad';
  });
}

/** Shows that everything is stopped, where it is. */
export function showStop(notice, databases) {
  const stops = databases.flatMap((d) => (d.governors ?? []).filter((g) => g.governor === 'stopped' && g.pace === 0));
  notice.hidden = stops.length === 0;
  set(notice, stops[0]?.detail ?? '');
}

const short = (number) => (Number.isInteger(number) ? String(number) : number.toFixed(Math.abs(number) < 10 ? 2 : 1));

function showSignal(row, signal) {
  const known = signal.value !== null;
  const limited = known && signal.limit !== null && signal.limit > 0;
  set($('.signal', row), signal.source ? `${signal.signal}, ${signal.source}` : signal.signal);
  const value = known ? `${short(signal.value)}${signal.limit === null ? '' : ` of ${short(signal.limit)}`}` : 'not read';
  set($('.value', row), value);
  const gauge = $('.gauge', row);
  gauge.className = `gauge ${signal.verdict}`;
  gauge.hidden = !limited;
  gauge.firstElementChild.style.width = limited ? `${Math.min(100, (signal.value / signal.limit) * 100)}%` : '0';
  const verdict = $('.verdict', row);
  set(verdict, signal.up ? signal.verdict : `${signal.verdict}: cannot be read`);
  verdict.className = `verdict ${signal.verdict}`;
  set($('.age', row), signal.age === null ? '' : `${short(signal.age)} s ago`);
}

function showDatabase(card, database) {
  set($('h2', card), database.database);
  set($('.standing', card), database.status === 'ready' ? '' : `${database.status}: ${database.detail}`);
  set($('.pace', card), `pace ${Math.round(database.pace * 100)} %`);
  const slow = (database.governors ?? []).filter((g) => g.pace < 1);
  list($('.governors', card), slow, (g) => g.governor, () => make('li'), (item, governor) =>
    set(item, `${governor.governor}: ${governor.pace === 0 ? 'holds' : `${Math.round(governor.pace * 100)} %`}${governor.detail ? `, ${governor.detail}` : ''}`));
  const signals = (database.signals ?? []).map((signal) => ({ ...signal, key: `${signal.signal} ${signal.source ?? ''}` }));
  list($('tbody', card), signals, (s) => s.key, () => copy('#signal'), showSignal);
  const standbys = database.standbys ?? [];
  set($('.standbys', card), standbys.length === 0 ? '' : `expected standbys: ${standbys.map((s) => s.name).join(', ')}`);
}

/** Shows every signal of every database. */
export function showDatabases(parent, databases) {
  list(parent, databases, (d) => d.database, () => copy('#database'), showDatabase);
}
