"""The report of a ward in a real browser: on a screen, and as the PDF that it prints."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from brokers import needs_mosquitto
from screens import PHONE, TABLET, Screen
from test_states import violations
from wardhouse import Ward

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from week import play, report

from monitord.notify.web.files import files

STYLE = files()["/report.css"][0].decode()
ROOMS = 60


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    """Many rooms, so that its tables are longer than a page; half a story is enough to fill them."""
    story, told = play(tmp_path_factory.mktemp("week"), rooms=ROOMS, days=1, seed=4)
    yield report(told, story, "en", STYLE)
    told.ledger.close()


def page_of(browser, html, **more):
    page = browser.new_context(**more).new_page()
    page.set_content(html)
    return page


def pages_of(pdf):
    """Text of each page of a PDF, lines as they stand."""
    done = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True)
    return [each for each in done.stdout.split("\f") if each.strip()]


def rows_of(page):
    return page.evaluate(
        "Array.from(document.querySelectorAll('tbody tr'), (row) => Array.from(row.children, (it) => it.textContent))"
    )


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext: apt-get install poppler-utils")
@pytest.mark.parametrize("kept_whole", [True, False])
def test_the_pdf_has_pages_and_no_row_is_cut(browser, week, tmp_path, kept_whole):
    """The control: without the print style's rule, a tall row is cut, and this notices it."""
    # A row of many lines, in every place where a page may end.
    tall = "<br>".join(f"line {number}" for number in range(1, 8))
    html = week.replace('<td class="text">', f'<td class="text">{tall} ')
    if not kept_whole:
        html = html.replace("break-inside: avoid; page-break-inside: avoid;", "")
    page = page_of(browser, html)
    pdf = tmp_path / "report.pdf"
    page.pdf(path=pdf, prefer_css_page_size=True, print_background=True)
    pages = pages_of(pdf)
    assert len(pages) >= 3
    begun = [(len(re.findall(r"line 1\b", text)), len(re.findall(r"line 7\b", text))) for text in pages]
    cut = [number for number, (first, last) in enumerate(begun) if first != last]
    assert (cut == []) is kept_whole
    page.context.close()


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext: apt-get install poppler-utils")
def test_every_row_of_the_page_is_in_the_pdf_and_the_head_of_a_table_on_each_of_its_pages(browser, week, tmp_path):
    page = page_of(browser, week)
    pdf = tmp_path / "report.pdf"
    page.pdf(path=pdf, prefer_css_page_size=True, print_background=True)
    text = "\n".join(pages_of(pdf))
    for row in rows_of(page):
        assert re.search(rf"^ *{re.escape(row[0].split()[0])}\b", text, re.MULTILINE), row
    longest = page.evaluate("document.querySelector('.answers table').tBodies[0].rows.length")
    assert longest > 30  # So it is longer than what is left of its page, and its head comes twice.
    assert len(re.findall(r"^ *Room +Alerts", text, re.MULTILINE)) >= 2
    page.context.close()


@pytest.mark.parametrize("size", [PHONE, TABLET])
def test_on_a_screen_it_passes_axe_and_the_page_itself_is_not_scrolled_sideways(browser, week, size):
    page = page_of(browser, week, viewport={"width": size[0], "height": size[1]})
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()


@needs_mosquitto
@pytest.mark.parametrize(("language", "title"), [("en", "report from"), ("de", "Bericht vom")])
def test_the_station_serves_it_with_its_style_under_its_policy(browser, tmp_path, language, title):
    with Ward(tmp_path, ["101", "102"]) as ward:
        ward.cry("101")
        screen = Screen(browser, ward.url, size=TABLET, language=language)
        screen.wait("document.querySelector('#rooms .alert')")
        screen.page.locator(".notes a").tap()
        screen.page.locator("h1").wait_for()
        assert title in screen.page.locator("h1").inner_text()
        assert screen.page.evaluate("getComputedStyle(document.querySelector('thead th')).backgroundColor") == (
            "rgb(238, 241, 245)"
        )
        assert rows_of(screen.page)[0][0] == "101"
        assert screen.errors == []
        assert screen.foreign == []
        screen.close()
