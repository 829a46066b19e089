"""work"""
import os

from alembic import op

revision = "wb2"
down_revision = "aaa1"


def upgrade():
    op.execute("select pg_sleep(%s)" % os.environ.get("WORK", "0"))


def downgrade():
    op.execute("select pg_sleep(%s)" % os.environ.get("WORK", "0"))
