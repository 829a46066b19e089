"""both"""

revision = "mmm6"
down_revision = ("ccc3", "eee5")


def upgrade():
    pass


def downgrade():
    pass
