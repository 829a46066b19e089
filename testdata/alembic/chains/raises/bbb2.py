"""one way"""
import sqlalchemy as sa
from alembic import op

revision = "bbb2"
down_revision = "aaa1"


def upgrade():
    op.add_column("customers", sa.Column("email", sa.Text))


def downgrade():
    raise NotImplementedError("one way only")
