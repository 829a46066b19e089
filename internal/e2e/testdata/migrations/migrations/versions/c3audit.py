"""audit"""
from alembic import op
import sqlalchemy as sa

revision = "c3audit"
down_revision = "b2email"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table("audit", sa.Column("id", sa.Integer, primary_key=True), sa.Column("what", sa.Text))


def downgrade():
    op.execute("select pg_sleep(0.4)")
    op.drop_table("audit")
