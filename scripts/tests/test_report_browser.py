# SPDX-License-Identifier: GPL-2.0-or-later
"""What a real browser makes of a report: one session of Debian's chromium for all of it."""

from __future__ import annotations

import base64
import json
import re
import shutil

import pytest
import report_runs
from synthetic import command

from mnbenchlib import report
from mnbenchlib.report import library

webdriver = pytest.importorskip("selenium.webdriver", reason="python3-selenium is not installed")
from selenium.webdriver import ActionChains  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

PROGRAMS = ("chromium", "chromedriver")
ABSENT = [name for name in PROGRAMS if shutil.which(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(ABSENT), reason=f"no {' and no '.join(ABSENT)} here"),
    pytest.mark.skipif(not library.SCRIPT.exists(), reason=f"no {library.PACKAGE} here"),
]
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage")
SECONDS = 60  # of a machine that is busy with something else


@pytest.fixture(scope="module")
def page_url(tmp_path_factory):
    """Two runs of a large machine, compared."""
    top = tmp_path_factory.mktemp("browser")
    more = {"threads": (1, 64), "n": 6}
    base = report_runs.folder(top / "base", **more)
    new = report_runs.folder(top / "new", run_id="run-2", slower={"read_begin_retry": 1.3,
                                                                  "range_hit": 0.5}, **more)
    path = top / "report.html"
    assert command(report, base, new, "-o", path) == (0, "")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium, with what it logs and what it asks the network for."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(SECONDS)
    driver.set_script_timeout(SECONDS)
    yield driver
    driver.quit()


class Reader:
    """Somebody in front of the page."""

    def __init__(self, driver, url: str) -> None:
        self.driver, self.url = driver, url

    def opened(self, width: int = 1280, dark: bool = False) -> Reader:
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get(self.url)
        return self

    def run(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list:
        return self.driver.find_elements("css selector", selector)

    def one(self, selector: str):
        return self.driver.find_element("css selector", selector)

    def wait(self, script: str, *arguments):
        """Until the script's value is true."""
        return WebDriverWait(self.driver, SECONDS).until(lambda _: self.run(script, *arguments))

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def chart(self, title: str):
        """The plot of a chart, in sight and drawn."""
        plot = self.run("""
            const figure = [...document.querySelectorAll(".family figure")]
                .find(one => one.querySelector("h4")?.textContent === arguments[0]);
            figure.scrollIntoView({block: "center"});
            return figure.querySelector(".plot");""", title)
        self.wait("return !!Chart.getChart(arguments[0].firstChild)", plot)
        return plot

    def shown_rows(self, family: str) -> list[list[str]]:
        return self.run("""
            return [...document.querySelectorAll(`#family-${arguments[0]} tbody tr`)]
                .map(row => [...row.cells].map(cell => cell.textContent));""", family)

    def tip(self) -> str:
        return self.run("const t = document.getElementById('tip');"
                        "return t.hidden ? '' : t.innerText;")


@pytest.fixture(scope="module")
def reader(browser, page_url):
    return Reader(browser, page_url)


def test_it_opens_without_a_word_and_asks_for_nothing(reader):
    reader.driver.get_log("performance")
    reader.opened()
    assert [line for line in reader.driver.get_log("browser") if line["level"] != "INFO"] == []
    log = reader.driver.get_log("performance")
    asked = [json.loads(line["message"])["message"] for line in log]
    urls = [one["params"]["request"]["url"] for one in asked
            if one["method"] == "Network.requestWillBeSent"]
    assert urls and set(urls) == {reader.url}
    assert reader.run("return performance.getEntriesByType('resource').length") == 0
    assert report_runs.NASTY in reader.one("h1").text
    assert reader.all("img") == []


def test_the_answers_are_on_the_first_screen(reader):
    reader.opened()
    cards = reader.all("#found > .cards .card")
    assert len(cards) == 3
    for card in cards:
        assert reader.run("return arguments[0].querySelector('.answer').getBoundingClientRect()"
                          ".bottom < innerHeight", card)
        reader.wait("return !!Chart.getChart(arguments[0].querySelector('canvas'))", card)
    assert "▲ worse" in reader.one(".against").text


def test_a_filter_rules_charts_tables_and_counts(reader):
    reader.opened()
    before = reader.one("#filters output").text
    plot = reader.chart("read_begin_retry, against threads")
    reader.one("[data-filter=subject] summary").click()
    reader.one("[data-filter=subject] input[value=baseline]").click()
    rows = reader.shown_rows("seq")
    assert rows and {row[2] for row in rows} == {"baseline"}
    assert reader.one("#filters output").text != before
    assert reader.one("[data-filter=subject] summary").text.startswith("Subject: baseline")
    said = reader.run("""return Chart.getChart(arguments[0].firstChild).data.datasets
        .filter(set => set.main && set.data.length).map(set => set.data[0].lines[0])""", plot)
    assert said and all("(baseline, " in one for one in said)
    reader.run("document.querySelector('#filters [type=search]').scrollIntoView()")
    reader.one("#filters input[type=search]").send_keys("queued scatter")
    rows = reader.shown_rows("seq")
    assert rows and {(row[3], row[5]) for row in rows} == {("queued", "scatter")}
    reader.one("#filters [type=reset]").click()
    assert reader.one("#filters output").text == before


def test_what_nothing_is_left_of_goes(reader):
    reader.opened()
    reader.one("#filters input[type=search]").send_keys("no such thing")
    assert reader.one("#filters output").text.startswith("0 of ")
    assert [f for f in reader.all(".family figure") if f.is_displayed()] == []
    assert [t for t in reader.all(".family table") if t.is_displayed()] == []


def test_hovering_tells_of_the_point(reader):
    reader.opened()
    plot = reader.chart("read_begin_retry, costs")
    at = reader.run("""
        const chart = Chart.getChart(arguments[0].firstChild);
        const index = chart.data.datasets.findIndex(set => set.main && set.label === "port");
        const {x, y} = chart.getDatasetMeta(index).data[3];
        const box = arguments[0].getBoundingClientRect();
        return [x - box.width / 2, y - box.height / 2, chart.data.datasets[index].data[3].lines];
        """, plot)
    ActionChains(reader.driver).move_to_element_with_offset(plot, at[0], at[1]).perform()
    reader.wait("return !document.getElementById('tip').hidden")
    tip = reader.tip()
    assert tip.split("\n") == at[2]
    assert " ns" in tip and "interval" in tip and "6 repetitions" in tip
    ActionChains(reader.driver).move_to_element(reader.one("#filters")).perform()
    reader.wait("return document.getElementById('tip').hidden")


def limits(reader, plot) -> list[float]:
    return reader.run("const {x, y} = Chart.getChart(arguments[0].firstChild).scales;"
                      "return [x.min, x.max, y.min, y.max]", plot)


def test_dragging_zooms_and_a_double_click_goes_back(reader):
    reader.opened()
    plot = reader.chart("read_begin_retry, against threads")
    whole = limits(reader, plot)
    actions = ActionChains(reader.driver)
    actions.move_to_element_with_offset(plot, -40, -40).click_and_hold()
    actions.move_by_offset(60, 50).move_by_offset(20, 20).release().perform()
    near = limits(reader, plot)
    assert whole[0] < near[0] < near[1] < whole[1] and whole[2] < near[2] < near[3] < whole[3]
    ActionChains(reader.driver).double_click(plot).perform()
    assert limits(reader, plot) == whole


def test_a_legend_button_hides_its_curve(reader):
    reader.opened()
    plot = reader.chart("read_begin_retry, against threads")
    shown = """const chart = Chart.getChart(arguments[0].firstChild);
        return chart.data.datasets.filter((set, i) => set.main && chart.isDatasetVisible(i))
            .map(set => set.label)"""
    before = reader.run(shown, plot)
    button = reader.run("return arguments[0].parentNode.querySelector('.legend button')", plot)
    name = button.text
    assert any(name.endswith(one) for one in before)
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert len(reader.run(shown, plot)) == len(before) - 1


def test_the_keyboard_on_a_chart(reader):
    reader.opened()
    plot = reader.chart("read_begin_retry, against threads")
    whole = limits(reader, plot)
    reader.run("arguments[0].focus()", plot)
    reader.press(Keys.ARROW_RIGHT)
    first = reader.tip()
    reader.press(Keys.ARROW_RIGHT)
    second = reader.tip()
    assert "1 thread," in first and "64 threads," in second
    reader.press(Keys.ARROW_DOWN)
    assert reader.tip().split("\n")[0] != second.split("\n")[0]
    reader.press(Keys.ESCAPE)
    assert reader.tip() == ""
    reader.press("+")
    near = limits(reader, plot)
    assert near[0] > whole[0] and near[1] < whole[1]
    reader.press("0")
    assert limits(reader, plot) == whole


def test_focus_is_seen_and_goes_in_order(reader):
    reader.opened()
    seen = []
    for _ in range(6):
        reader.press(Keys.TAB)
        style = reader.run("""const one = document.activeElement;
            const style = getComputedStyle(one);
            const box = one.getBoundingClientRect();
            return [one.textContent.slice(0, 30), style.outlineStyle,
                parseFloat(style.outlineWidth), box.top + scrollY, box.left]""")
        assert style[1] == "solid" and style[2] >= 2, style
        seen.append(style)
    assert seen[0][0].startswith("Skip to")
    tops = [one[3] for one in seen[1:]]
    assert tops == sorted(tops)


def test_filters_and_tables_by_keyboard(reader):
    reader.opened()
    reader.run("document.querySelector('[data-filter=pin] summary').focus()")
    reader.press(Keys.ENTER)
    reader.press(Keys.TAB, Keys.SPACE)
    value = reader.run("return document.activeElement.value")
    assert {row[5] for row in reader.shown_rows("seq")} == {value}
    reader.press(Keys.ESCAPE)
    assert reader.run("return document.activeElement.tagName") == "SUMMARY"
    reader.one("#filters [type=reset]").send_keys(Keys.ENTER)

    reader.run("document.querySelectorAll('#family-srcu thead button')[7].focus()")
    scale = {"ns": 1.0, "us": 1e3, "ms": 1e6}

    def medians() -> list[float]:
        cells = [row[7] for row in reader.shown_rows("srcu")]
        return [float(c.split()[0]) * scale.get(c.split()[1], 1.0) for c in cells if c]

    reader.press(Keys.ENTER)
    up = medians()
    reader.press(Keys.ENTER)
    down = medians()
    head = reader.all("#family-srcu thead th")[7]
    assert head.get_attribute("aria-sort") == "descending"
    assert up == sorted(up) and down == sorted(down, reverse=True) and up != down


def test_a_row_tells_how_to_measure_it_again(reader):
    reader.opened()
    reader.one("#filters input[type=search]").send_keys("wake_all_last port")
    button = reader.one("#family-wake tbody button")
    button.send_keys(Keys.ENTER)
    assert button.get_attribute("aria-expanded") == "true"
    command_ = reader.one("#family-wake tr.more pre").text
    pattern = re.search(r"--filter '(.*)'", command_)[1]
    # As the binary lists it, with what Google Benchmark adds.
    listed = "wake/wake_all/port/variant:futex/sleepers:{}/pin:none/iterations:1/manual_time"
    assert any(re.search(pattern, listed.format(n)) for n in (0, 1, 8, 64, 256))
    assert not re.search(pattern, listed.format(64).replace("port", "baseline"))


def test_two_runs_are_shown_as_compare_judges_them(reader):
    reader.opened()
    rows = "return [...document.querySelectorAll('#diff-view tbody tr')].map(r => r.className)"
    buttons = {b.get_attribute("data-verdict"): b for b in reader.all("#diff-view [data-verdict]")}
    assert int(buttons["worse"].text.split(": ")[1]) > 0
    buttons["better"].click()
    assert set(reader.run(rows)) == {"better"}
    assert "range_hit" in reader.one("#diff-view tbody td").text


def test_emulated_charts_are_marked(reader):
    reader.opened()
    details = reader.one("#family-srcu > details")
    assert "EMULATED" in details.text
    reader.run("arguments[0].open = true; arguments[0].scrollIntoView()", details)
    reader.wait("return arguments[0].querySelectorAll('figure.emulated').length", details)
    mark = reader.run("const plot = arguments[0].querySelector('.plot');"
                      "return getComputedStyle(plot, '::after').content", details)
    assert "EMULATED" in mark
    assert "EMULATED" in reader.one("figure.emulated figcaption").text


def test_no_sideways_scrolling_in_a_narrow_window(reader):
    reader.opened(width=480)
    unfold = "document.querySelectorAll('#family-seq tbody button').forEach(one => one.click())"
    open_all = "document.querySelectorAll('details').forEach(one => { one.open = true })"
    for script in ("", unfold, open_all):
        reader.run(script)
        assert reader.run("return document.documentElement.scrollWidth") <= 480
    for selector in (".family figure", ".family tbody td", "#filters > *"):
        assert reader.run("""return [...document.querySelectorAll(arguments[0])].every(one =>
            one.getBoundingClientRect().right <= 480)""", selector), selector
    assert reader.one("#family-seq thead button").is_displayed()  # still to be sorted


def test_the_dark_page_is_dark_and_its_charts_follow(reader):
    reader.opened()
    plot = reader.chart("read_begin_retry, against threads")
    line = "return Chart.getChart(arguments[0].firstChild).data.datasets[0].borderColor"
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = reader.run(line, plot), reader.run(paper)
    reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
        {"name": "prefers-color-scheme", "value": "dark"}]})
    reader.wait(line + " !== arguments[1]", plot, light[0])
    assert reader.run(paper) != light[1]


def test_the_printer_gets_every_row_and_chart_on_white(reader):
    reader.opened(dark=True)
    every = reader.run("return [...document.querySelectorAll('.family caption')]"
                       ".reduce((sum, one) => sum + Number(one.textContent.split(': ')[1]), 0)")
    reader.run("dispatchEvent(new Event('beforeprint'))")
    assert reader.run("return document.querySelectorAll('.family tbody tr').length") == every
    assert reader.run("""return [...document.querySelectorAll("figure:not([hidden]) canvas")]
        .every(one => Chart.getChart(one))""")
    paper = "return getComputedStyle(document.body).backgroundColor"
    assert reader.run(paper) == "rgb(255, 255, 255)"
    reader.run("dispatchEvent(new Event('afterprint'))")
    assert reader.run(paper) != "rgb(255, 255, 255)"
    reader.one("#filters input[type=search]").send_keys("list_hooks")  # short, so that it is quick
    pdf = reader.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert base64.b64decode(pdf["data"]).startswith(b"%PDF")
