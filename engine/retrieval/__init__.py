"""The first stage: BM25 over Lucene, or bm25s where no Java can start."""
