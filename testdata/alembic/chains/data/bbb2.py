"""depends on data"""
import sqlalchemy as sa
from alembic import op

revision = "bbb2"
down_revision = "aaa1"


def upgrade():
    op.add_column("customers", sa.Column("email", sa.Text))


def downgrade():
    if op.get_bind().execute(sa.text("select count(*) from customers")).scalar() >= 0:
        op.drop_column("customers", "email")
