"""right"""
import sqlalchemy as sa
from alembic import op

revision = "eee5"
down_revision = "aaa1"
branch_labels = ("right",)

def upgrade():
    op.add_column("customers", sa.Column("c", sa.Text))


def downgrade():
    op.drop_column("customers", "c")
