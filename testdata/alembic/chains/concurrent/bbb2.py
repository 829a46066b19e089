"""index while it is used"""
import os
import time

from alembic import op

revision = "bbb2"
down_revision = "aaa1"


def upgrade():
    op.execute("create view everybody as select id from customers")
    with op.get_context().autocommit_block():
        op.execute("create index concurrently customers_name on customers (name)")


def downgrade():
    op.execute("drop view everybody")
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently customers_name")
        if "WAIT" in os.environ and not op.get_context().as_sql:
            open("begun", "w").close()
            while not os.path.exists("go"):
                time.sleep(0.02)
