"""work"""
import os

from alembic import op

revision = "wd4"
down_revision = "wc3"


def upgrade():
    op.execute("select pg_sleep(%s)" % os.environ.get("WORK", "0"))


def downgrade():
    op.execute("select pg_sleep(%s)" % os.environ.get("WORK", "0"))
