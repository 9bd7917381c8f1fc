// Curves, by uPlot, which the page has loaded; without it the newest values are listed.

import { shown } from "./units.js";

const COLOURS = 8;
const HEIGHT = 170;
const drawn = new Map();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function limits(panel) {
  return (plot) => {
    const { ctx, bbox } = plot;
    for (const name of ["warning", "critical"]) {
      const limit = panel[name];
      if (limit === null || limit < plot.scales.y.min || limit > plot.scales.y.max) continue;
      const y = plot.valToPos(limit, "y", true);
      ctx.save();
      ctx.strokeStyle = colour(`--${name}`);
      ctx.setLineDash([6, 4]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.restore();
    }
  };
}

function options(panel, names, width, span) {
  const quiet = colour("--quiet");
  const axis = { stroke: quiet, grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  return {
    width,
    height: HEIGHT,
    cursor: { sync: { key: "cdc" }, points: { size: 5 } },
    scales: { x: { range: () => span }, y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [axis, { ...axis, size: 72, values: (_plot, ticks) => ticks.map((tick) => shown(tick, panel.unit)) }],
    series: [
      { value: (_plot, time) => (time === null ? "" : new Date(time * 1000).toLocaleTimeString()) },
      ...names.map((label, index) => ({
        label,
        stroke: colour(`--s${index % COLOURS}`),
        width: 1.5,
        spanGaps: false,
        value: (_plot, value) => shown(value, panel.unit),
      })),
    ],
    hooks: { draw: [limits(panel)] },
  };
}

export const canDraw = () => typeof uPlot !== "undefined";

// The chart of a panel, made anew only where its series are others.
export function draw(body, panel, data, series) {
  const times = Array.from({ length: (data.end - data.start) / data.step + 1 }, (_none, index) => data.start + index * data.step);
  const values = [times, ...series.map((each) => each.values)];
  const names = series.map((each) => each.name);
  const key = JSON.stringify([names, body.clientWidth]);
  const before = drawn.get(panel.id);
  if (before?.key === key && before.body === body && body.contains(before.plot.root)) {
    before.span[0] = data.start;
    before.span[1] = data.end;
    before.plot.setData(values);
    return;
  }
  forget(panel.id);
  body.replaceChildren();
  const span = [data.start, data.end];
  drawn.set(panel.id, { key, body, span, plot: new uPlot(options(panel, names, body.clientWidth, span), values, body) });
}

export function forget(id) {
  for (const name of id ? [id] : [...drawn.keys()]) {
    drawn.get(name)?.plot.destroy();
    drawn.delete(name);
  }
}
