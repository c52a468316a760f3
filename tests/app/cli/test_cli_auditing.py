"""`whyrank audit`."""


def test_what_was_done_is_listed_with_who_did_it(line, beans, tmp_path):
    qrels = tmp_path / "labels.tsv"
    qrels.write_text("q1 0 d1 2\n")
    labels = ("--assessor", "experts", "--kind", "human", "--by", "Bea")
    assert line("judgments", "import", qrels, "-c", beans.name, *labels).exit_code == 0
    first, *_ = line.json("audit", "--json")
    assert (first["actor"], first["action"], first["subject"]) == ("Bea", "judgments imported", beans.name)
    assert first["details"] == {"file": "labels.tsv", "format": "trec", "judgments": 1}
    head, row, *_ = line("audit", "--limit", "1").stdout.splitlines()
    assert head.split("\t")[1:] == ["who", "what", "of", "details"]
    assert row.split("\t")[1:4] == ["Bea", "judgments imported", beans.name]
    assert line.json("audit", "--action", "role given", "--json") == []
