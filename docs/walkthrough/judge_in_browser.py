"""Judge pairs in a running app, as a person does: open the pair, type the reason, press the grade's key.

    python docs/walkthrough/judge_in_browser.py http://127.0.0.1:8501 scifact trial to_judge.jsonl screenshot.png

Drives Debian's Chromium through Playwright. Prints the seconds from each key press to "saved" on the screen.
"""

import json
import re
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Page, expect, sync_playwright


def main(url: str, collection: str, assessor: str, pairs: Path, screenshot: Path) -> None:
    """Judge every pair of the file."""
    seconds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        for line in pairs.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            asked = {"collection_name": collection, "assessor_name": assessor}
            asked |= {"query_id": row["query_id"], "doc_id": row["doc_id"]}
            page.goto(f"{url}/judge?{urlencode(asked)}")
            seconds.append(judge(page, row))
        page.screenshot(path=screenshot)
        browser.close()
    sys.stdout.write(f"{len(seconds)} judged; seconds from key to saved: median {statistics.median(seconds):.2f}\n")


def judge(page: Page, row: dict[str, str]) -> float:
    """Give one pair its reason and its grade."""
    expect(page.get_by_text(row["doc_id"], exact=True)).to_be_visible(timeout=60_000)
    reason = page.get_by_role("textbox", name="Your explanation", exact=True)
    reason.fill(row["explanation"])
    reason.press("Escape")  # the keys work outside the field
    began = time.perf_counter()
    page.keyboard.press(str(row["grade"]))
    expect(page.get_by_text(re.compile(r"saved at \d")).first).to_be_visible(timeout=60_000)
    return time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), Path(sys.argv[5]))
