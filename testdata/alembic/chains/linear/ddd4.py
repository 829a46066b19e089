"""index of orders"""
from alembic import op

revision = "ddd4"
down_revision = "ccc3"


def upgrade():
    op.create_index("orders_customer", "orders", ["customer"])


def downgrade():
    op.drop_index("orders_customer")
