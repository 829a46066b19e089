"""orders"""
import sqlalchemy as sa
from alembic import op

revision = "ccc3"
down_revision = "bbb2"


def upgrade():
    op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("customer", sa.Integer, sa.ForeignKey("customers.id")))


def downgrade():
    op.drop_table("orders")
