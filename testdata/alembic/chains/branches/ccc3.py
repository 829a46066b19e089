"""more left"""
import sqlalchemy as sa
from alembic import op

revision = "ccc3"
down_revision = "bbb2"


def upgrade():
    op.add_column("customers", sa.Column("b", sa.Text))


def downgrade():
    op.drop_column("customers", "b")
