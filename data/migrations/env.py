"""What Alembic runs: one migration transaction on the connection that `data.store.migrate` hands over.

Foreign keys are off on that connection: batch mode drops and renames tables, and a cascade would take their children
along. A table that batch mode makes anew loses its triggers: create them again in that migration.
"""

from alembic import context

from data.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
