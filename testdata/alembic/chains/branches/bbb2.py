"""left"""
import sqlalchemy as sa
from alembic import op

revision = "bbb2"
down_revision = "aaa1"
branch_labels = ("left",)

def upgrade():
    op.add_column("customers", sa.Column("a", sa.Text))


def downgrade():
    op.drop_column("customers", "a")
