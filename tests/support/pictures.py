# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Pictures of the page of dashboards, and what is wrong with what they show.

They are kept in reports/dashboards, or in the folder that CDC_PICTURES names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from browser import Browser
from cdc_pipeline.dashboards.model import Dashboard, Kind

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Screen:
    """``width``, ``height``: of the window, in CSS pixels."""

    name: str
    width: int
    height: int
    dark: bool


SCREENS = tuple(
    Screen(f"{device}-{colours}", width, height, colours == "dark")
    for device, width, height in (("desktop", 1280, 800), ("phone", 390, 844))
    for colours in ("light", "dark")
)
# Every card has what Prometheus has answered, or why it has nothing.
_READY = """(() => {
  const cards = [...document.querySelectorAll(".card")];
  const waits = (card) => ["loading", "no answer"].includes(card.querySelector(".empty")?.textContent);
  return cards.length > 0 && !cards.some(waits);
})()"""
# A card has drawn where its curves have a pixel of a curve's colour, or where it lists values.
_LOOK = r"""(() => {
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement("canvas").getContext("2d");
  const colours = [...Array(8).keys()].map((index) => {
    probe.fillStyle = style.getPropertyValue(`--s${index}`).trim();
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data];
  });
  const near = (data, at) => data[at + 3] > 60
    && colours.some((colour) => [0, 1, 2].every((part) => Math.abs(data[at + part] - colour[part]) < 10));
  const curve = (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4) if (near(data, at)) return true;
    return false;
  };
  const name = (each) => `${each.closest(".card")?.id ?? ""} ${each.tagName}.${each.className}`.trim();
  const all = [...document.querySelectorAll("body *")].filter((each) => each.getClientRects().length > 0);
  return {
    problem: document.getElementById("problem").hidden ? "" : document.getElementById("problem").textContent,
    cards: Object.fromEntries([...document.querySelectorAll(".card")].map((card) => {
      const canvas = card.querySelector("canvas");
      const values = [...card.querySelectorAll("[data-value]")].map((each) => each.textContent);
      return [card.id.replace("panel-", ""), {
        empty: card.querySelector(".empty")?.textContent ?? "",
        curve: canvas !== null && curve(canvas),
        values: values.filter((each) => each !== "" && each !== "\u2013").length,
      }];
    })),
    width: document.documentElement.scrollWidth,
    wide: all.filter((each) => {
      const box = each.getBoundingClientRect();
      const scrolls = ["auto", "scroll"].includes(getComputedStyle(each).overflowX);
      return box.right > innerWidth + 1 || box.left < -1 || (scrolls && each.scrollWidth > each.clientWidth + 1);
    }).map(name),
  };
})()"""


def folder(kind: str) -> Path:
    """Where pictures of one kind are kept."""
    found = Path(os.environ.get("CDC_PICTURES") or ROOT / "reports/dashboards") / kind
    found.mkdir(parents=True, exist_ok=True)
    return found


def taken(browser: Browser, address: str, dashboard: Dashboard, screen: Screen, kept: Path) -> dict[str, Any]:
    """Takes a picture, and returns what is seen, with what the browser complained of."""
    browser.screen(screen.width, screen.height, screen.dark)
    browser.open(f"{address}/#{dashboard.id}", _READY)
    (kept / f"{dashboard.id}-{screen.name}.png").write_bytes(browser.picture())
    # Looking at the curves brings a complaint of its own.
    complaints = browser.complaints()
    return {**browser.value(_LOOK), "complaints": complaints}


def first_look(browser: Browser, address: str, dashboard: Dashboard, screen: Screen, file: Path) -> None:
    """Takes a picture of what is seen before anything is scrolled."""
    browser.screen(screen.width, screen.height, screen.dark)
    browser.open(f"{address}/#{dashboard.id}", _READY)
    file.write_bytes(browser.picture(whole=False))


def problems(found: dict[str, Any], dashboard: Dashboard, screen: Screen, draws: bool = True) -> list[str]:
    """What is wrong with what is seen.

    :param draws: whether there is a library that draws curves.
    """
    wrong = [found["problem"]] if found["problem"] and draws else []
    if found["width"] > screen.width:
        wrong.append(f"the page is {found['width']} px wide")
    wrong += [f"wider than the screen: {each}" for each in found["wide"]]
    for panel in dashboard.panels():
        card = found["cards"].get(panel.id)
        if card is None:
            wrong.append(f"{panel.id} is not there")
        elif card["empty"]:
            if card["empty"] != panel.may_be_empty:
                wrong.append(f"{panel.id}: {card['empty']}")
        elif not (card["curve"] if draws and panel.kind == Kind.SERIES else card["values"]):
            wrong.append(f"{panel.id} has drawn nothing")
    return wrong


def empty(found: dict[str, Any]) -> set[str]:
    """Panels that say why they have no data."""
    return {panel for panel, card in found["cards"].items() if card["empty"]}
