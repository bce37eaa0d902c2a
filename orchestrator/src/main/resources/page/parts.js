// What the parts of the page share: finding and filling elements, and how figures are written.

export const $ = (selector, within = document) => within.querySelector(selector);

const figures = new Intl.NumberFormat('en');

/** A whole number. */
export const whole = (number) => figures.format(Math.round(number));

/** Seconds, as people say them. */
export function duration(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours} h ${Math.floor((seconds % 3600) / 60)} min` : `${Math.floor(hours / 24)} days`;
}

/** Bytes, in the unit that leaves three figures. */
export function bytes(number) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let left = number;
  while (left >= 1000 && unit < units.length - 1) {
    left /= 1024;
    unit += 1;
  }
  return `${left < 10 && unit > 0 ? left.toFixed(1) : Math.round(left)} ${units[unit]}`;
}

/** A time of the API, in that of the reader. */
export const clock = (time) => (time === null ? '' : new Date(time).toLocaleString());

/** Writes a text, if it is another. */
export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** An element with a text. */
export function make(tag, text = '', className = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** The content of a template. */
export const copy = (template) => $(template).content.firstElementChild.cloneNode(true);

/** Brings a list to what its items should be, by their keys, without touching what stays. */
export function list(parent, items, key, create, update) {
  const wanted = new Set(items.map((item) => String(key(item))));
  const there = new Map();
  for (const child of [...parent.children]) {
    if (wanted.has(child.dataset.key)) there.set(child.dataset.key, child);
    else child.remove();
  }
  items.forEach((item, index) => {
    const name = String(key(item));
    let child = there.get(name);
    if (!child) {
      child = create(item);
      child.dataset.key = name;
    }
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
    update(child, item);
  });
}
