"""index"""
from alembic import op
import sqlalchemy as sa

revision = "d4index"
down_revision = "c3audit"
branch_labels = None
depends_on = None


def upgrade():
    op.create_index("accounts_email", "accounts", ["email"])


def downgrade():
    op.execute("select pg_sleep(0.4)")
    op.drop_index("accounts_email")
