# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of the page that are text: what a run is, how far to trust it, how to repeat it."""

from __future__ import annotations

import html
from pathlib import Path

import pandas as pd

from . import machine, page, reproduce

_SHOWN = 4  # findings about the machine; the rest unfolds

_VERDICTS = {"worse": "▲ worse", "better": "▼ better", "slower": "△ slower within the limit",
             "faster": "▽ faster within the limit", "~": "~ undecided"}


def run(path: Path, told: dict, table: pd.DataFrame, rows: pd.DataFrame) -> dict:
    """All that is said of one run."""
    command, whence = reproduce.command(path, told)
    first = table.iloc[0]
    return {"name": str(first["run_id"]), "host": str(first["host"]), "path": str(path),
            "facts": machine.facts(told, table), "trust": machine.trust(path, told, table, rows),
            "environment": machine.flat(told), "command": command, "whence": whence}


def parts(runs: list[dict], two: dict | None) -> dict[str, str]:
    """What the template has places for."""
    last = runs[-1]
    facts = dict(last["facts"])
    heading = f"{last['host']}: {facts.pop('Machine')}"
    return {"heading": html.escape(heading), "facts": page.facts(list(facts.items())),
            "trust": _trust(last["trust"]), "verdict": _verdict(two),
            "environment": "".join(map(_environment, runs)), "compared": _compared(two)}


def _trust(trust: dict) -> str:
    found = trust["machine"]
    if not trust["doctored"]:
        found = [*found, {"severity": "unknown", "what": "doctor", "found": "its findings were not "
                          "kept with this run"}]
    rest = found[_SHOWN:]
    more = "" if not rest else (
        f"<details><summary>{len(rest)} more of the machine</summary><ul class=findings>"
        + "".join(map(page.finding, rest)) + "</ul></details>")
    return (f"<h2>How far to trust it: <span class=\"verdict {trust['level']}\">"
            f"{html.escape(trust['word'])}</span></h2><div class=sides>"
            f"<div><ul class=findings>{''.join(map(page.finding, found[:_SHOWN]))}</ul>{more}</div>"
            f"<ul class=findings>{''.join(map(page.finding, trust['rows']))}</ul></div>")


def _environment(one: dict) -> str:
    lines = "".join(f"<tr>{page.element('th', name, scope='row')}{page.element('td', value)}</tr>"
                    for name, value in one["environment"])
    table = (f"<table class=plain><tbody>{lines}</tbody></table>" if lines else
             page.element("p", "No machine.json stands beside the figures.", class_="quiet"))
    whence = page.element("p", one["whence"], class_="quiet") if one["whence"] else ""
    return (f"<section class=run>{page.element('h3', one['name'])}"
            + page.element("p", one["path"], class_="quiet")
            + "<h4>To measure it again</h4>" + page.element("pre", one["command"], tabindex="0")
            + whence
            + f"<details><summary>The machine, in full</summary>{table}</details></section>")


def _verdict(two: dict | None) -> str:
    """Of two runs, for the first screen."""
    if two is None:
        return ""
    said = two["refused"] or ", ".join(
        f"{two['counts'].get(verdict, 0)} {name}" for verdict, name in _VERDICTS.items())
    return ("<p class=against>NEW against BASE: " + page.element("b", said)
            + ' (<a href="#diff">which</a>)</p>')


def _compared(two: dict | None) -> str:
    if two is None:
        return ""
    told = "".join(map(_told, two["told"]))
    refused = page.element("p", two["refused"], class_="verdict warn") if two["refused"] else ""
    return ('<section id=diff><h2>NEW against BASE</h2>' + refused
            + page.element("pre", two["command"], tabindex="0")
            + "<div id=diff-view></div>" + told + "</section>")


def _told(block: dict) -> str:
    """A part of what `mnbench compare` says beside its tables; the first is the summary."""
    lines = "".join(page.element("li", line) for line in block["lines"])
    if block["heading"] == "NEW against BASE":
        return f"<ul class=lines>{lines}</ul>"
    return (f"<details>{page.element('summary', block['heading'])}"
            f"<ul class=lines>{lines}</ul></details>")
