"""File formats: TREC qrels and runs, JSONL, CSV, Parquet, folders of BEIR, of BRIGHT, and of texts."""
