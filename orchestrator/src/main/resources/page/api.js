// Asks the daemon.

import { NotLetIn, currentToken, mayEnter } from './door.js';

const PATIENCE = 5_000;

/** An answer that lets in who asks, whatever it says. */
async function answered(path, options) {
  const sent = currentToken();
  const { response, body } = await asked(path, options, sent);
  if ([401, 429].includes(response.status)) throw new NotLetIn(body.detail, sent);
  if (response.status === 403) mayEnter();
  return { response, body };
}

async function asked(path, options, token) {
  try {
    const response = await fetch(path, {
      cache: 'no-store',
      ...options,
      headers: { ...options.headers, ...(token === null ? {} : { Authorization: `Bearer ${token}` }) },
      signal: AbortSignal.timeout(PATIENCE),
    });
    return { response, body: await response.json() };
  } catch {
    throw new Error('does not answer');
  }
}

/** What is there; null when there is no such thing. */
export async function get(path) {
  const { response, body } = await answered(path, {});
  if (response.ok) return body;
  if (response.status === 404) return null;
  throw new Error(`answers ${response.status} to ${path}`);
}

/** Every page of a list. */
export async function all(path, name) {
  const found = [];
  for (let after = ''; after !== null;) {
    const page = await get(`${path}${path.includes('?') ? '&' : '?'}limit=1000${after}`);
    if (page === null) return found;
    found.push(...page[name]);
    after = page.next === null ? null : `&after=${encodeURIComponent(page.next)}`;
  }
  return found;
}

/** Says a verb to a job; answers what is wrong, or an empty text. */
export async function say(verb, job, reason) {
  const { response, body } = await answered(`api/v1/jobs/${encodeURIComponent(job)}/${verb}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(reason ? { reason } : {}),
  });
  return response.ok
    ? (body.refused ?? []).map((other) => `${other.database}: ${other.detail}`).join('; ')
    : (body.detail ?? `status ${response.status}`);
}
