// The page: which dashboards there are, and their data, fetched again every few seconds. It asks this server alone.

import { canDraw, draw, forget } from "./charts.js";
import { LEVELS, level, shown, worst } from "./units.js";

const at = (id) => document.getElementById(id);
const state = { stated: null, dashboard: null, end: null, timer: null, round: 0 };

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The address of a page that was opened with a login in it is not allowed in a request.
async function ask(path) {
  const answer = await fetch(new URL(path, location.origin), { cache: "no-store", credentials: "same-origin" });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error ?? `The service answers with HTTP ${answer.status}.`);
  return body;
}

function say(problem) {
  at("problem").hidden = problem === "";
  at("problem").textContent = problem;
}

function card(panel) {
  const queries = panel.queries.map((query) => element("pre", {}, query));
  const made = element(
    "article",
    { class: "card", id: `panel-${panel.id}` },
    element("details", {}, element("summary", {}, panel.title), element("p", {}, panel.description), ...queries),
    element("div", { class: "body" }, element("p", { class: "empty" }, "loading")),
    element("a", { class: "what", href: panel.runbook_url, target: "_blank", rel: "noopener noreferrer" }, `What to do: ${panel.runbook}`),
  );
  return made;
}

// Numbers and words take less room than curves.
function grid({ panels }) {
  return panels.some((panel) => panel.kind === "series") ? "grid" : "grid narrow";
}

function build() {
  const { dashboards, instance } = state.stated;
  const wanted = location.hash.slice(1);
  state.dashboard = dashboards.find((each) => each.id === wanted) ?? dashboards[0];
  at("instance").textContent = instance;
  document.title = `${state.dashboard.title} · CDC pipeline ${instance}`;
  at("about").textContent = state.dashboard.description;
  at("dashboards").replaceChildren(
    ...dashboards.map((each) => {
      const current = each === state.dashboard ? { "aria-current": "page" } : {};
      return element("a", { href: `#${each.id}`, ...current }, each.title);
    }),
  );
  forget();
  at("rows").replaceChildren(
    ...state.dashboard.rows.map((row) =>
      element("section", {}, element("h2", {}, row.title), element("div", { class: grid(row) }, ...row.panels.map(card))),
    ),
  );
}

// The worst first: a long list is cut, and the rest of it scrolled to.
function list(panel, series) {
  const newest = series.map(({ name, values }) => ({ name, value: values.findLast((each) => each !== null) ?? null }));
  const badness = ({ value }) => LEVELS.indexOf(worst([level(value, panel)]));
  return element(
    "ul",
    {},
    ...newest.sort((one, other) => badness(one) - badness(other)).map(({ name, value }) => {
      const text = panel.kind === "states" ? (panel.words[String(value)]?.[0] ?? shown(value, "count")) : shown(value, panel.unit);
      return element("li", {}, element("span", {}, name), element("span", { "data-value": level(value, panel) }, text));
    }),
  );
}

function fill(panel, data) {
  const made = at(`panel-${panel.id}`);
  const body = made.querySelector(".body");
  const found = data.panels[panel.id];
  const series = found.series ?? [];
  made.classList.remove("old");
  const newest = series.map((each) => each.values.findLast((value) => value !== null) ?? null);
  made.dataset.level = worst(newest.map((value) => level(value, panel)));
  if (found.problem || newest.every((value) => value === null)) {
    forget(panel.id);
    const empty = panel.may_be_empty || "No data. Is what measures it running? cdc status";
    body.replaceChildren(element("p", { class: "empty" }, found.problem ?? empty));
    return;
  }
  if (panel.kind === "series" && canDraw()) {
    draw(body, panel, data, series);
  } else if (panel.kind === "value" && series.length === 1 && series[0].name === panel.title) {
    body.replaceChildren(element("span", { class: "alone", "data-value": level(newest[0], panel) }, shown(newest[0], panel.unit)));
  } else {
    body.replaceChildren(list(panel, series));
  }
  if (found.more) body.append(element("p", { class: "more" }, `and ${found.more} more`));
}

// What was seen last stays, and is told from what is new.
function old(panel) {
  const made = at(`panel-${panel.id}`);
  made.classList.add("old");
  const empty = made.querySelector(".empty");
  if (empty?.textContent === "loading") empty.textContent = "no answer";
}

async function refresh() {
  clearTimeout(state.timer);
  const round = ++state.round;
  const { rows } = state.dashboard;
  const seconds = at("range").value;
  const end = state.end === null ? "" : `&end=${state.end}`;
  const problems = new Set();
  // A row at a time: the first is read while the others come.
  for (const { panels } of rows) {
    try {
      const names = panels.map((panel) => `id=${encodeURIComponent(panel.id)}`).join("&");
      const data = await ask(`/api/panels?${names}&seconds=${seconds}${end}`);
      if (round !== state.round) return;
      for (const panel of panels) fill(panel, data);
    } catch (error) {
      if (round !== state.round) return;
      problems.add(error instanceof TypeError ? `The service of this page does not answer at ${location.origin}. Check cdc status.` : error.message);
      for (const panel of panels) old(panel);
    }
  }
  say([...problems].join(" "));
  const time = state.end === null ? new Date() : new Date(state.end * 1000);
  if (!problems.size) at("when").textContent = state.end === null ? `as of ${time.toLocaleTimeString()}` : `until ${time.toLocaleString()}`;
  at("later").disabled = at("now").disabled = state.end === null;
  if (!canDraw()) say(`${at("problem").textContent} The plotting library is missing, so that no curves are drawn: cdc logs monitor.`.trim());
  if (state.end === null) state.timer = setTimeout(refresh, 1000 * state.stated.refresh_seconds);
}

// What is shown is moved by half of its length.
function move(sign) {
  const half = Number(at("range").value) / 2;
  const now = Date.now() / 1000;
  const end = Math.floor((state.end ?? now) + sign * half);
  state.end = end >= now ? null : end;
  refresh();
}

function show() {
  build();
  refresh();
}

at("range").addEventListener("change", refresh);
at("earlier").addEventListener("click", () => move(-1));
at("later").addEventListener("click", () => move(1));
at("now").addEventListener("click", () => { state.end = null; refresh(); });
addEventListener("hashchange", show);
// Curves have the colours of when they were made.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(state.timer);
  else if (state.dashboard && state.end === null) refresh();
});

async function begin() {
  try {
    state.stated = await ask("/api/dashboards");
    show();
  } catch (error) {
    say(error instanceof TypeError ? `The service of this page does not answer at ${location.origin}.` : error.message);
    setTimeout(begin, 10000);
  }
}
begin();
