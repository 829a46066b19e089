"""accounts"""
from alembic import op
import sqlalchemy as sa

revision = "a1accounts"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table("accounts", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
    op.execute("insert into accounts select n, 'name ' || n from generate_series(1, 500) n")


def downgrade():
    op.execute("select pg_sleep(0.4)")
    op.drop_table("accounts")
