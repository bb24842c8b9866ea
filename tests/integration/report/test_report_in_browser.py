"""The page in a real browser: no console messages, all figures visible, no horizontal scrolling on a phone."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from builders.finished_experiment import WrittenExperiment

from ctrlab_api.names import ExitCode, ObjectKey
from ctrlab_report.cli import main

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt-get install chromium)")


def browse(page: Path, profile: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Open a page in Chromium without a window."""
    assert CHROMIUM is not None
    return subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--enable-logging=stderr",
            "--allow-file-access-from-files",
            f"--user-data-dir={profile}",
            *arguments,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env=os.environ | {"HOME": str(profile)},
    )


@pytest.fixture
def page(experiment: WrittenExperiment) -> Path:
    """Make a report; return the path of its page."""
    assert main(["make", "--store", experiment.uri, "--experiment", experiment.argument]) == ExitCode.SUCCESS
    folder: Path = experiment.path / experiment.folder.get(ObjectKey.LATEST_REPORT).decode()
    return folder / "report.html"


def test_the_page_loads_without_a_console_message(page: Path, tmp_path: Path) -> None:
    browser = browse(page, tmp_path / "profile", "--dump-dom")
    console = [line for line in browser.stderr.splitlines() if "CONSOLE" in line]
    assert console == []
    assert browser.stdout.count("<svg") == len(list((page.parent / "figures").iterdir()))


# A page with the report in a frame of a phone's width; it writes its measurements to its title.
MEASURE = """<!doctype html><title>waiting</title>
<iframe id="phone" style="width:390px;height:800px;border:0" src="report.html"></iframe>
<script>
document.getElementById("phone").addEventListener("load", event => {
  const inside = event.target.contentDocument;
  const sizes = [...inside.querySelectorAll("main figure svg")].map(svg => svg.getBoundingClientRect());
  const drawn = sizes.filter(size => size.width > 200 && size.height > 60).length;
  document.title = JSON.stringify({wide: inside.documentElement.scrollWidth, drawn: drawn, figures: sizes.length});
});
</script>"""


def test_the_page_fits_a_phone_with_all_figures(page: Path, tmp_path: Path) -> None:
    frame = page.parent / "measure.html"
    frame.write_text(MEASURE)
    browser = browse(frame, tmp_path / "profile", "--dump-dom", "--virtual-time-budget=4000", "--window-size=500,900")
    figures = len(list((page.parent / "figures").iterdir()))
    assert f'<title>{{"wide":390,"drawn":{figures},"figures":{figures}}}</title>' in browser.stdout


# The report with its print styles on a page of A4 width between margins, all details open; the title lists cut tables.
PRINTED = """<!doctype html><title>waiting</title>
<iframe id="paper" style="width:703px;height:990px;border:0" src="report.html"></iframe>
<script>
document.getElementById("paper").addEventListener("load", event => {
  const inside = event.target.contentDocument;
  for (const rule of [...inside.styleSheets].flatMap(sheet => [...sheet.cssRules]))
    if (rule.media && rule.media.mediaText === "print") rule.media.mediaText = "all";
  inside.querySelectorAll("details").forEach(part => { part.open = true; });
  const cut = [...inside.querySelectorAll(".scroll")].filter(part => part.scrollWidth > part.clientWidth);
  const links = getComputedStyle(inside.querySelector("nav")).display;
  document.title = JSON.stringify({nav: links, cut: cut.map(part => part.getAttribute("aria-label"))});
});
</script>"""


def test_the_printed_page_cuts_no_table_and_has_no_navigation(page: Path, tmp_path: Path) -> None:
    frame = page.parent / "printed.html"
    frame.write_text(PRINTED)
    browser = browse(frame, tmp_path / "profile", "--dump-dom", "--virtual-time-budget=4000", "--window-size=900,1100")
    assert '<title>{"nav":"none","cut":[]}</title>' in browser.stdout
