import json
import sys

import pytest

from data.records import AssessorKind, Version

HOSTILE_NAME = "![x](http://evil.example/x.png) **bold** :smile:"


def texts(page):
    return "\n".join(element.value for element in page.text)


def pressed(page, key):
    return page.button(key=key).click().run()


def opened(open_page, tab):
    """The page with one of its tabs open."""
    page = open_page("collections")
    page.session_state["collection_tabs"] = tab
    return page.run()


UPKEEP = "Name, index, delete"


def test_without_a_collection_it_offers_the_sample(workbench, open_page):
    page = open_page("collections")
    assert not page.exception
    assert "no collection yet" in page.info[0].value
    pressed(page, "install_sample")
    assert not page.exception
    assert page.sidebar.selectbox[0].value == "sample"
    assert "installed" in page.success[0].value
    (row,) = page.dataframe[0].value.to_dict("records")
    assert row["Name"] == "sample *" and row["Documents"] >= 150 and row["By teachers"] >= 300
    assert "install_sample" not in [button.key for button in page.button]


def test_an_upload_becomes_the_chosen_collection(workbench, beans, open_page):
    page = open_page("collections")
    page.text_input(key="import_name_0").set_value("mine")
    content = "".join(json.dumps({"_id": f"d{i}", "text": "words"}) + "\n" for i in range(30)).encode()
    page.file_uploader(key="import_file_0").set_value(("docs.jsonl", content, "application/json")).run()
    pressed(page, "import")
    assert not page.exception
    assert page.sidebar.selectbox[0].value == "mine"
    assert page.text_input(key="import_name_1").value == ""
    collection = workbench.store.collections.get("mine")
    assert collection.documents == 30 and collection.index_path


def test_a_file_that_is_not_there_yet_can_not_be_imported(workbench, open_page):
    page = open_page("collections")
    page.text_input(key="import_name_0").set_value("mine").run()
    assert page.button(key="import").disabled
    assert any("can be imported" in element.value for element in page.caption)
    page.file_uploader(key="import_file_0").set_value(("docs.jsonl", b"{}", "application/json")).run()
    assert not page.button(key="import").disabled


def test_bad_rows_are_listed_with_file_and_line(workbench, open_page):
    page = open_page("collections")
    page.text_input(key="import_name_0").set_value("mine")
    page.file_uploader(key="import_file_0").set_value(
        ("docs.jsonl", b'{"_id": "d1"}\n{broken\n', "application/json")
    ).run()
    pressed(page, "import")
    assert not page.exception
    listed = page.code[0].value
    assert "docs.jsonl:1:" in listed and "docs.jsonl:2:" in listed
    assert any("To mend it" in element.value for element in page.text)
    assert workbench.store.collections.list() == []


def test_a_path_may_bring_labels(workbench, open_page, tmp_path):
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d1", "text": "words"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "why"}\n')
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t3\n")
    page = open_page("collections")
    page.text_input(key="import_name_0").set_value("beir")
    page.segmented_control(key="import_how_0").set_value("A path on the machine the app runs on").run()
    page.text_input(key="import_path_0").set_value(str(tmp_path))
    page.text_input(key="import_assessor_0").set_value("Teacher X").run()
    page.segmented_control(key="import_kind_0").set_value(AssessorKind.TEACHER)
    pressed(page, "import")
    assert not page.exception
    (row,) = page.dataframe[0].value.to_dict("records")
    assert (row["Queries"], row["By people"], row["By teachers"]) == (1, 0, 1)


def asking_for_a_data_set(open_page):
    page = open_page("collections")
    page.text_input(key="import_name_0").set_value("fetched")
    return page.segmented_control(key="import_how_0").set_value("A data set of ir_datasets").run()


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path / "home"))
    return pytest.importorskip("ir_datasets", reason="the library ir_datasets is not installed (extra ir-datasets)")


def test_without_the_library_a_data_set_says_how_to_install_it(workbench, open_page, monkeypatch):
    monkeypatch.setitem(sys.modules, "ir_datasets", None)
    page = asking_for_a_data_set(open_page)
    pressed(page, "import")
    assert "No file of documents was given" in texts(page)
    page.text_input(key="import_ir_dataset_0").set_value("beir/scifact/test").run()
    assert "not installed" in texts(page) and "pip install" in texts(page)
    pressed(page, "import")
    assert not page.exception and workbench.store.collections.list() == []


def test_a_data_set_that_is_not_there_or_can_t_be_fetched_says_so(workbench, library, open_page, tmp_path):
    page = asking_for_a_data_set(open_page)
    page.text_input(key="import_ir_dataset_0").set_value("no/where").run()
    assert "no data set 'no/where'" in texts(page) and "ir-datasets.com" in texts(page)
    page.text_input(key="import_ir_dataset_0").set_value("msmarco-passage/trec-dl-2019").run()
    assert "8,841,823 documents" in texts(page)
    name = f"whyrank-{tmp_path.name}/absent"
    library.registry.register(name, library.create_dataset(docs_tsv=str(tmp_path / "absent.tsv")))
    page.text_input(key="import_ir_dataset_0").set_value(name).run()
    pressed(page, "import")
    assert not page.exception
    assert "can't read" in texts(page) and "network" in texts(page)
    assert workbench.store.collections.list() == []


def test_a_data_set_comes_in_with_its_first_documents_and_their_labels(workbench, library, open_page, tmp_path):
    for file, content in {
        "docs.tsv": "d0\tone\nd1\ttwo\nd2\tthree\n",
        "queries.tsv": "q1\twhy\nq2\thow\n",
        "qrels.txt": "q1 0 d0 3\nq2 0 d2 1\n",
    }.items():
        (tmp_path / file).write_text(content)
    files = [str(tmp_path / file) for file in ("docs.tsv", "queries.tsv", "qrels.txt")]
    name = f"whyrank-{tmp_path.name}/train"
    library.registry.register(name, library.create_dataset(*files))
    page = asking_for_a_data_set(open_page)
    page.text_input(key="import_ir_dataset_0").set_value(f"ir_datasets:{name}")
    page.number_input(key="import_first_0").set_value(2)
    page.text_input(key="import_assessor_0").set_value("NIST").run()
    assert f"{name} of ir_datasets, the first 2 documents" in texts(page)
    pressed(page, "import")
    assert not page.exception
    (row,) = page.dataframe[0].value.to_dict("records")
    assert (row["Documents"], row["Queries"], row["By people"]) == (2, 1, 1)


def test_a_hostile_name_is_never_read_as_markdown(workbench, beans, open_page):
    page = opened(open_page, UPKEEP)
    page.text_input(key="name_beans").set_value(HOSTILE_NAME)
    pressed(page, "rename")
    assert not page.exception
    assert workbench.store.collections.get(beans.collection_id).name == HOSTILE_NAME
    assert page.sidebar.selectbox[0].value == HOSTILE_NAME
    for element in [*page.markdown, *page.caption, *page.subheader, *page.success]:
        assert "![" not in element.value and "**bold" not in element.value


def test_documents_and_queries_are_shown_as_text(workbench, beans, open_page):
    page = open_page("collections")
    page.text_input(key="doc_id").set_value("d5").run()
    assert not page.exception
    assert "<script>alert(1)</script>" in texts(page)
    assert not any("evil.example" in element.value for element in page.markdown)
    page.text_input(key="doc_id").set_value("nope").run()
    assert "There is no document 'nope' here." in texts(page)


def test_editing_guidelines_warns_where_versions_were_trained(workbench, beans, open_page):
    assert "No version was trained" in opened(open_page, "Guidelines and scale").info[0].value
    workbench.store.versions.add(
        Version(version_id="v1", name="beans-1", base_model="scripted", collection_id=beans.collection_id)
    )
    page = opened(open_page, "Guidelines and scale")
    assert "no longer fit" in page.warning[0].value and "beans-1" in texts(page)
    page.text_area[0].set_value("Be strict.")
    page.text_input(key=f"level_{beans.collection_id}_1_trec-dl_3").set_value(HOSTILE_NAME)
    page.selectbox(key=f"relevant_{beans.collection_id}_1_trec-dl").set_value(1)
    pressed(page, "save_guidelines")
    assert not page.exception
    saved = workbench.store.collections.get("beans")
    assert (saved.guidelines, saved.guideline_version) == ("Be strict.", 2)
    assert (saved.scale.level(3).name, saved.scale.relevant_from) == (HOSTILE_NAME, 1)
    assert page.text_area[0].value == "Be strict."
    assert "{+strict.+}" in page.code[0].value
    for element in [*page.markdown, *page.caption]:
        assert "![" not in element.value


def test_another_scale_is_offered_as_long_as_no_grade_gets_lost(workbench, beans, say, open_page):
    say("Ann", AssessorKind.HUMAN, "q1", "d1", 2)
    page = opened(open_page, "Guidelines and scale")
    choice = page.selectbox(key=f"scale_{beans.collection_id}_1")
    assert [option.partition(":")[0] for option in choice.options] == ["trec-dl (in use)", "interank", "five-level"]
    choice.set_value(choice.options[1]).run()
    pressed(page, "save_guidelines")
    assert workbench.store.collections.get("beans").scale.name == "interank"


def test_a_csv_is_recognised_and_its_columns_can_be_chosen(workbench, open_page):
    page = open_page("collections")
    page.text_input(key="import_name_0").set_value("table")
    page.file_uploader(key="import_file_0").set_value(("t.csv", b"nr,text\n1,one\n2,two\n", "text/csv")).run()
    assert any("none has a usual name of the id" in text for text in texts(page).splitlines())
    page.selectbox(key="import_id_0").set_value("nr").run()
    assert "This is a CSV with the columns 'nr', 'text': ids from 'nr', no titles, texts from 'text'." in texts(page)
    pressed(page, "import")
    assert not page.exception
    assert workbench.store.collections.get("table").documents == 2


def test_judgments_and_runs_come_in(workbench, beans, open_page):
    page = opened(open_page, "Take in")
    assert page.button(key="import_judgments").disabled and page.button(key="import_run").disabled
    page.file_uploader(key="judgments_file_0").set_value(("t.tsv", b"q1 0 d1 3\nq1 0 nope 1\n", "text/plain")).run()
    assert "This is TREC qrels" in texts(page)
    page.text_input(key="judgments_assessor_0").set_value("T").run()
    pressed(page, "import_judgments")
    assert "t.tsv:2:" in page.code[0].value and workbench.store.judgments.counts(beans.collection_id) == {}
    page.file_uploader(key="judgments_file_0").set_value(("t.tsv", b"q1 0 d1 3\n", "text/plain")).run()
    pressed(page, "import_judgments")
    assert "1 judgments are new" in page.success[0].value
    page.file_uploader(key="run_file_1").set_value(("other.trec", b"q1 Q0 d1 1 2.0 x\n", "text/plain")).run()
    pressed(page, "import_run")
    assert not page.exception
    assert [run.name for run in workbench.runs.list(beans.collection_id)] == ["other"]
    pressed(page, "delete_run")
    assert workbench.runs.list(beans.collection_id) == []


def test_taking_away_counts_first_and_refuses_conflicts(workbench, beans, say, open_page):
    page = opened(open_page, "Take away")
    assert "manifest.json" not in texts(page)
    assert "nothing to take away" in texts(pressed(page, "take_count"))
    say(HOSTILE_NAME, AssessorKind.HUMAN, "q1", "d1", 2)
    say("Ben", AssessorKind.HUMAN, "q1", "d1", 0)
    page = pressed(opened(open_page, "Take away"), "take_count")
    assert not page.exception
    assert "different grades" in texts(page)
    page.selectbox(key="take_conflicts").set_value("highest").run()
    assert "manifest.json" not in texts(page), "what is shown was asked for"
    pressed(page, "take_count")
    (counts,) = [table.value for table in page.dataframe if "What" in table.value]
    assert dict(zip(counts["What"], counts["How many"], strict=True))["labels"] == 1
    page.selectbox(key="take_whose").set_value("Ben").run()
    page.selectbox(key="take_format").set_value("csv").run()
    assert "judgments.csv, manifest.json" in texts(pressed(page, "take_count"))
    page.selectbox(key="take_format").set_value("trec-run").run()
    assert "Rank queries first" in texts(pressed(page, "take_count"))
    assert not page.exception


def test_delete_says_what_goes_and_asks_for_the_name(workbench, beans, open_page):
    page = opened(open_page, UPKEEP)
    assert "5 documents, 2 queries" in texts(page)
    pressed(page, "delete")
    assert "nothing was deleted" in texts(page)
    page.text_input(key=f"delete_name_{beans.collection_id}").set_value("beans")
    pressed(page, "delete")
    assert not page.exception
    assert workbench.store.collections.list() == []
    assert "no collection yet" in page.info[0].value
