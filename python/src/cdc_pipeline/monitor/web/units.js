// Numbers with their units, as short as they can be read.

const STEPS = {
  seconds: [[86400 * 2, 86400, "d"], [7200, 3600, "h"], [120, 60, "min"], [1, 1, "s"], [0.001, 0.001, "ms"], [0, 0.000001, "µs"]],
  bytes: [[2 ** 40, 2 ** 40, "TiB"], [2 ** 30, 2 ** 30, "GiB"], [2 ** 20, 2 ** 20, "MiB"], [2 ** 10, 2 ** 10, "KiB"], [0, 1, "B"]],
  plain: [[1e9, 1e9, "G"], [1e6, 1e6, "M"], [1e4, 1e3, "k"], [0, 1, ""]],
};

// At most three digits that count; of shares near 1 as many as it takes to tell them from it.
function digits(value) {
  const size = Math.abs(value);
  const places = size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return String(Number(value.toFixed(places)));
}

function scaled(value, steps) {
  const [, unit, name] = steps.find(([from]) => Math.abs(value) >= from);
  if (value === 0) return ["0", steps === STEPS.seconds ? "s" : steps.at(-1)[2]];
  return [digits(value / unit), name];
}

export function shown(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "ratio") {
    const percent = value * 100;
    return `${percent > 99 && percent < 100 ? String(Math.floor(percent * 1000) / 1000) : digits(percent)} %`;
  }
  if (unit === "seconds") return scaled(value, STEPS.seconds).join(" ");
  if (unit === "bytes") return scaled(value, STEPS.bytes).join(" ");
  if (unit === "bytes per second") return `${scaled(value, STEPS.bytes).join(" ")}/s`;
  const [text, name] = scaled(value, STEPS.plain);
  return `${text}${name}${unit === "per second" ? " /s" : unit === "cores" ? " cores" : ""}`;
}

export function level(value, panel) {
  if (value === null) return "";
  if (panel.kind === "states") return panel.words[String(value)]?.[1] ?? "";
  for (const name of ["critical", "warning"]) {
    const limit = panel[name];
    if (limit !== null && (panel.falling ? value < limit : value >= limit)) return name;
  }
  return panel.warning === null && panel.critical === null ? "" : "good";
}

export const LEVELS = ["critical", "warning", "good", ""];

export function worst(levels) {
  return LEVELS.find((each) => levels.includes(each)) ?? "";
}
