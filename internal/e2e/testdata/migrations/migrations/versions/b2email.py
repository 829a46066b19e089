"""an address for each account"""
from alembic import op
import sqlalchemy as sa

revision = "b2email"
down_revision = "a1accounts"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("accounts", sa.Column("email", sa.Text))


def downgrade():
    op.execute("select pg_sleep(0.4)")
    op.drop_column("accounts", "email")
