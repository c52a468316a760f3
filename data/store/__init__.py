"""What is remembered, in one database: collections, assessors, judgments, rankings, versions, jobs, evaluations."""

from data.store.store import Store

__all__ = ["Store"]
