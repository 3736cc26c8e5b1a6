"""Accessibility of every tab: `python -m tests.check_axe` asks axe-core, which npm brings for it alone.

Needs Node's npm and Chromium. Exits with 1 if axe finds anything serious.
"""

import subprocess
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page, sync_playwright

from heygem.assets.catalog import DEFAULT_SPEECHES
from heygem.soak.crowd import running_page
from heygem.soak.visitor import Visitor
from heygem.ui.state import TABS
from tests.ui.test_browser import CHROMIUM, FLAGS, WIDTHS, open_page, open_tab

AXE = "axe-core@4.14.1"
SERIOUS = ("serious", "critical")


def fetch_axe(folder: Path) -> str:
    """The source of axe-core."""
    subprocess.run(["npm", "install", "--silent", "--prefix", str(folder), AXE], check=True)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, axe: str) -> list[dict[str, Any]]:
    """What axe finds on the page as it is now."""
    page.evaluate(axe)
    found = page.evaluate("async () => (await axe.run(document)).violations")
    return list(found)


def main() -> int:
    """Look at every tab in both languages, at a desk and on a phone, with a job to show."""
    worst = 0
    with TemporaryDirectory() as folder, running_page(Path(folder), "tiny") as (_, port):
        axe = fetch_axe(Path(folder))
        Visitor(port).order(DEFAULT_SPEECHES[0].audio_path, "anna")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for language, width in product(WIDTHS, WIDTHS.values()):
                page = open_page(browser, f"http://127.0.0.1:{port}/", language, width)
                for name in TABS:
                    open_tab(page, language, name)
                    page.wait_for_timeout(1500)
                    for violation in violations(page, axe):
                        worst += violation["impact"] in SERIOUS
                        sys.stdout.write(
                            f"{language} {width} {name}: {violation['impact']} {violation['id']}: "
                        )
                        targets = [node["target"][0] for node in violation["nodes"]]
                        sys.stdout.write(f"{violation['help']} {targets[:4]}\n")
            browser.close()
    sys.stdout.write(f"{worst} serious findings\n")
    return int(worst > 0)


if __name__ == "__main__":
    sys.exit(main())
