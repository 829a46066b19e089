"""work"""
import os

from alembic import op

revision = "wc3"
down_revision = "wb2"


def upgrade():
    op.execute("select pg_sleep(%s)" % os.environ.get("WORK", "0"))


def downgrade():
    op.execute("select pg_sleep(%s)" % os.environ.get("WORK", "0"))
