// Lines over the last ten minutes, from what was seen since the page was opened.

import UPlot from './uplot.js';
import { make } from './parts.js';

const SHOWN = 600;
const HEIGHT = 150;
const COLOURS = ['--blue', '--amber'];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Adds a chart to an element: `add(seconds, values)` draws one more point, `show()` shows one that is hidden at first. */
export function chart(parent, title, labels, hidden = false) {
  const data = [[], ...labels.map(() => [])];
  const figure = make('figure');
  figure.append(make('figcaption', title));
  figure.hidden = hidden;
  parent.append(figure);
  const axis = { stroke: () => colour('--quiet'), grid: { stroke: () => colour('--line') }, font: '12px system-ui' };
  const plot = new UPlot({
    width: Math.max(200, figure.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (u, least, most) => [0, Math.max(1, (most ?? 0) * 1.1)] } },
    axes: [axis, { ...axis, size: 60 }],
    series: [{}, ...labels.map((label, index) => ({
      label,
      stroke: () => colour(COLOURS[index]),
      width: 2,
      dash: index === 0 ? [] : [6, 4],
      points: { show: false },
    }))],
  }, data, figure);
  plot.root.setAttribute('aria-hidden', 'true'); // the figures stand beside it in words
  const resized = new ResizeObserver(() => plot.setSize({ width: Math.max(200, figure.clientWidth), height: HEIGHT }));
  resized.observe(figure);
  return {
    add(seconds, values) {
      data[0].push(seconds);
      values.forEach((value, index) => data[index + 1].push(value));
      while (data[0][0] < seconds - SHOWN) data.forEach((column) => column.shift());
      plot.setData(data);
    },
    show() {
      figure.hidden = false;
    },
    remove() {
      resized.disconnect();
      plot.destroy();
      figure.remove();
    },
  };
}
