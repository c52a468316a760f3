"""Changes of the schema, one after the other, for both databases (Alembic)."""
