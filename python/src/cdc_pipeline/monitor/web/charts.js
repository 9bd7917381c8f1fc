// Curves, by uPlot, which the page has loaded; without it the newest values are listed.

import { shown } from "./units.js";

const COLOURS = 8;
const HEIGHT = 170;
const POWERS = Array.from({ length: 50 }, (_none, index) => 2 ** index);
const drawn = new Map();
// A curve has the width of its card, which follows the window.
const widths = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const plot = drawn.get(target.dataset.panel)?.plot;
    if (plot && contentRect.width > 0 && Math.abs(plot.width - contentRect.width) >= 1) {
      plot.setSize({ width: contentRect.width, height: HEIGHT });
    }
  }
});

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Where nothing is pointed at, the legend has the newest values.
function newest(plot) {
  if (plot.cursor.idx === null || plot.cursor.idx === undefined) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

// The day is worth more than the minute where many are shown.
function clock(time, [start, end]) {
  const at = new Date(time * 1000);
  if (end - start > 2 * 86400) return at.toLocaleDateString([], { month: "short", day: "numeric" });
  return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

// As wide as the longest number, and in most charts the same.
function room(_plot, numbers) {
  return Math.max(76, 24 + 7 * Math.max(0, ...(numbers ?? []).map((each) => each.length)));
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
    legend: { markers: { width: 0, fill: (plot, index) => plot.series[index].stroke() } },
    cursor: { sync: { key: "cdc" }, points: { size: 5 } },
    scales: { x: { range: () => span }, y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [{ ...axis, space: 70, values: (_plot, ticks) => ticks.map((tick) => clock(tick, span)) }, { ...axis, size: room, ...(panel.unit.startsWith("bytes") ? { incrs: POWERS } : {}), values: (_plot, ticks) => ticks.map((tick) => shown(tick, panel.unit)) }],
    series: [
      { value: (_plot, time) => (time === null ? "" : new Date(time * 1000).toLocaleString()) },
      ...names.map((label, index) => ({
        label,
        stroke: colour(`--s${index % COLOURS}`),
        width: 1.5,
        spanGaps: false,
        value: (_plot, value) => shown(value, panel.unit),
      })),
    ],
    hooks: { draw: [limits(panel)], setCursor: [newest] },
  };
}

export const canDraw = () => typeof uPlot !== "undefined";

// The chart of a panel, created again only when its series have changed.
export function draw(body, panel, data, series) {
  const times = Array.from({ length: (data.end - data.start) / data.step + 1 }, (_none, index) => data.start + index * data.step);
  const values = [times, ...series.map((each) => each.values)];
  const names = series.map((each) => each.name);
  const key = JSON.stringify(names);
  const before = drawn.get(panel.id);
  if (before?.key === key && before.body === body && body.contains(before.plot.root)) {
    before.span[0] = data.start;
    before.span[1] = data.end;
    before.plot.setData(values);
    newest(before.plot);
    return;
  }
  forget(panel.id);
  body.replaceChildren();
  const span = [data.start, data.end];
  const plot = new uPlot(options(panel, names, body.clientWidth, span), values, body);
  drawn.set(panel.id, { key, body, span, plot });
  newest(plot);
  body.dataset.panel = panel.id;
  widths.observe(body);
}

export function forget(id) {
  for (const name of id ? [id] : [...drawn.keys()]) {
    const { plot, body } = drawn.get(name) ?? {};
    plot?.destroy();
    if (body) widths.unobserve(body);
    drawn.delete(name);
  }
}
