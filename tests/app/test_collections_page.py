import json

from data.records import AssessorKind, Version

HOSTILE_NAME = "![x](http://evil.example/x.png) **bold** :smile:"


def texts(page):
    return "\n".join(element.value for element in page.text)


def pressed(page, key):
    return page.button(key=key).click().run()


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


def test_a_hostile_name_is_never_read_as_markdown(workbench, beans, open_page):
    page = open_page("collections")
    page.text_input(key=f"name_{beans.collection_id}_beans").set_value(HOSTILE_NAME)
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
    assert "No version was trained" in open_page("collections").info[0].value
    workbench.store.versions.add(
        Version(version_id="v1", name="beans-1", base_model="scripted", collection_id=beans.collection_id)
    )
    page = open_page("collections")
    assert "no longer fit" in page.warning[0].value and "beans-1" in texts(page)
    page.text_area[0].set_value("Be strict.")
    pressed(page, "save_guidelines")
    assert workbench.store.collections.get("beans").guidelines == "Be strict."
    assert page.text_area[0].value == "Be strict."


def test_delete_says_what_goes_and_asks_for_the_name(workbench, beans, open_page):
    page = open_page("collections")
    assert "5 documents, 2 queries" in texts(page)
    pressed(page, "delete")
    assert "nothing was deleted" in texts(page)
    page.text_input(key=f"delete_name_{beans.collection_id}").set_value("beans")
    pressed(page, "delete")
    assert not page.exception
    assert workbench.store.collections.list() == []
    assert "no collection yet" in page.info[0].value
