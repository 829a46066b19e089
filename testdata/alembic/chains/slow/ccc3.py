"""another view"""
from alembic import op

revision = "ccc3"
down_revision = "bbb2"


def upgrade():
    op.execute("create view nobody as select id from customers where false")


def downgrade():
    op.execute("drop view nobody")
