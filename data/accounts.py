"""The tables of people, the roles they were given, and what they did: a part of `data/schema.py`."""

from sqlalchemy import Column, ForeignKey, String, Table

from data.audit import Action
from data.columns import mapping_column, metadata, sequence_column, text_column, time_column, word_column
from data.people import Role

people = Table(
    "people",
    metadata,
    Column("login", String, primary_key=True),
    text_column("email", nullable=True),
    Column("name", String, nullable=False, unique=True),
    word_column("role", Role),
    text_column("changed_by"),
    time_column("created_at"),
)

role_changes = Table(
    "role_changes",
    metadata,
    sequence_column(),
    Column("login", String, ForeignKey("people.login"), nullable=False),
    text_column("name"),
    word_column("previous", Role, nullable=True),
    word_column("role", Role),
    text_column("changed_by"),
    time_column("created_at"),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    sequence_column(),
    text_column("actor"),
    word_column("action", Action),
    # A name as it was: the log outlives what it tells of.
    text_column("subject"),
    mapping_column("details"),
    time_column("created_at"),
    sqlite_autoincrement=True,
)
