import os

from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

print("env.py prints what it likes")
url = os.environ.get("ELSEWHERE") or os.environ["DATABASE_URL"]
options = {"transaction_per_migration": "PER_REVISION" in os.environ}
for name in ("version_table", "version_table_schema"):
    if name in context.get_x_argument(as_dictionary=True):
        options[name] = context.get_x_argument(as_dictionary=True)[name]

if context.is_offline_mode():
    if "NO_OFFLINE" in os.environ:
        raise RuntimeError("this project cannot write SQL")
    context.configure(url=url, literal_binds=True, **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine(url, poolclass=NullPool, connect_args={"application_name": "shop"})
    with engine.connect() as connection:
        if "WRITES_FIRST" in os.environ:
            connection.execute(text("create schema if not exists tenant"))
        if "AUTOCOMMIT" in os.environ:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
