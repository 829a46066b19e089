"""a view"""
import os
import time

from alembic import op

revision = "bbb2"
down_revision = "aaa1"


def upgrade():
    op.execute("create view everybody as select id from customers")


def downgrade():
    op.execute("drop view everybody")
    if "WAIT" in os.environ and not op.get_context().as_sql:
        open("begun", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.02)
    if "SLEEP" in os.environ and not op.get_context().as_sql and not os.path.exists("go"):
        open("begun", "w").close()
        # As on a server that does not look whether its client is still there.
        op.execute("set client_connection_check_interval = 0")
        op.execute("select pg_sleep(%s)" % os.environ["SLEEP"])
