"""`whyrank pool` on stored rankings."""

import pytest

from tests.app import lining


@pytest.fixture
def added(workbench):
    return lining.filled(workbench)


def test_a_queue_is_made_listed_and_shown(line, added, workbench):
    made = line.json("pool", "make", "spring", "--system", "bm25", "--system", "taught", "--by", "Ann", "--json")
    assert made["systems"] == ["BM25", "taught by pointwise-score"] and made["pairs"] == 16
    (pool,) = workbench.store.pools.list(added.collection_id)
    assert pool.pool_id == made["pool_id"] and pool.created_by == "Ann"
    (listed,) = line.json("pool", "list", "--json")
    assert (listed["name"], listed["judged"]) == ("spring", 8)
    shown = line.json("pool", "show", "spring", "--json")
    assert shown["people"] == {"Ann": 8} and shown["judged_at_10"]["BM25"] == {"when_made": 0.5, "now": 0.5}
    rows = line("pool", "show", "spring").stdout
    assert "Ann\t8" in rows and "BM25\t0.50\t0.50" in rows
    assert line("pool", "list").stdout.splitlines()[1].startswith("spring\t16\t8\t")


def test_errors_end_in_a_line_with_the_mend(line, added):
    missing = line("pool", "show", "autumn")
    assert missing.exit_code == 1 and "none yet" in missing.stderr
    unknown = line("pool", "make", "x", "--system", "nobody")
    assert unknown.exit_code == 1 and "nobody" in unknown.stderr
    lining_lacks = line("pool", "make", "x", "--depth", "20")
    assert lining_lacks.exit_code == 1 and "--rank" in lining_lacks.stderr
