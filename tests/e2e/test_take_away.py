"""A collection's way in and out by the browser: a CSV in, its scale edited, labels in, a zip with a manifest out."""

import hashlib
import json
import zipfile

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e

TABLE = "nr,words\n" + "".join(f'd{i},"Beans, number {i}: =1+1"\n' for i in range(1, 6))
TAB = "Guidelines and scale"


def test_what_comes_in_goes_out_with_a_manifest(app, served):
    page = app.page
    app.open("collections")
    app.press("install_sample")
    expect(app.says("The sample is installed.")).to_be_visible()

    page.get_by_text("Add a collection").click()
    app.page.get_by_label("Name of the new collection").fill("table")
    page.locator("input[type=file]").first.set_input_files(
        {"name": "t.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
    )
    expect(app.says("none has a usual name of the id")).to_be_visible()
    app.choose("Column of the ids", "nr")
    app.choose("Column of the texts", "words")
    expect(app.says("This is a CSV with the columns 'nr', 'words': ids from 'nr'")).to_be_visible()
    app.press("import")
    expect(app.says("5 documents.")).to_be_visible()

    app.choose("Collection", "sample")
    page.get_by_role("tab", name=TAB).click()
    page.get_by_label("Name of grade 3").fill("exactly it")
    page.get_by_label("Name of grade 3").press("Tab")
    app.settle()
    app.press("save_guidelines")
    expect(app.says("Saved as version 2.")).to_be_visible()

    page.get_by_role("tab", name="Take away").click()
    app.press("take_count")
    expect(app.says("qrels.txt, manifest.json")).to_be_visible()
    with page.expect_download() as waiting:
        app.press("download")
    with zipfile.ZipFile(waiting.value.path()) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        qrels = archive.read("qrels.txt")
    assert waiting.value.suggested_filename == "sample.trec-qrels.zip"
    assert manifest["files"]["qrels.txt"]["sha256"] == hashlib.sha256(qrels).hexdigest()
    assert manifest["counts"]["labels"] == len(qrels.splitlines()) > 300
    assert manifest["guidelines"]["version"] == 2
    assert manifest["scale"]["levels"][3]["name"] == "exactly it"

    with served.store() as store:
        assert [d.doc_id for d in store.collections.documents(store.collections.get("table").collection_id)] == [
            f"d{i}" for i in range(1, 6)
        ]
