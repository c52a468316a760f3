"""Triggers that keep the rows of a table as they were written, for migrations."""

from alembic import op

_CHANGED = "{table} are append-only: write a new event"
_DELETED = "{table} are append-only: they go only with their collection"
_STAYS = "{table} are append-only: they stay"

_SQLITE = """
CREATE TRIGGER {table}_never_{done} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{words}'); END
"""
_WHEN = "WHEN EXISTS (SELECT 1 FROM collections WHERE collection_id = OLD.collection_id)"
_FUNCTION = """
CREATE OR REPLACE FUNCTION {table}_never_{done}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {when}RAISE EXCEPTION '{words}' USING ERRCODE = 'integrity_constraint_violation';{otherwise}
END $$
"""
_IF = "IF EXISTS (SELECT 1 FROM collections WHERE collection_id = OLD.collection_id) THEN "
_TRIGGER = """
CREATE TRIGGER {table}_never_{done} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_never_{done}()
"""


def append_only(table: str, *, goes_with_collection: bool = False) -> None:
    """Refuse updates and deletes; `goes_with_collection`: a cascade deletes the parent first, so a row may go once its
    collection is gone, and not before. A table that batch mode makes anew loses its triggers: call this again then."""
    for done, event, words in (
        ("changed", "UPDATE", _CHANGED),
        ("deleted", "DELETE", _DELETED if goes_with_collection else _STAYS),
    ):
        asks = goes_with_collection and event == "DELETE"
        given = {"table": table, "done": done, "event": event, "words": words.format(table=table)}
        if op.get_bind().dialect.name == "sqlite":
            op.execute(_SQLITE.format(**given, when=_WHEN if asks else ""))
        else:
            ending = " END IF; RETURN OLD;" if asks else ""
            op.execute(_FUNCTION.format(**given, when=_IF if asks else "", otherwise=ending))
            op.execute(_TRIGGER.format(**given))


def drop_guards(table: str) -> None:
    """Before the table goes: SQLite's triggers go with it, PostgreSQL's functions stay."""
    if op.get_bind().dialect.name != "sqlite":
        for done in ("changed", "deleted"):
            op.execute(f"DROP FUNCTION IF EXISTS {table}_never_{done}() CASCADE")
