"""File formats, both ways: TREC qrels and runs, JSONL, the BEIR folder."""
