"""Run by Alembic: migrates over the connection, and in the transaction, that `hub.store.migrate` hands in."""

from alembic import context

from hub.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
