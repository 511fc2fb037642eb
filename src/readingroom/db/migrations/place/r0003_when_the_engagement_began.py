"""The mirror knows when the engagement began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from readingroom.db.schema import Instant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """To 0003."""
    with op.batch_alter_table("engagement_mirror", schema=None) as batch_op:
        batch_op.add_column(sa.Column("began_at", Instant(), nullable=True))


def downgrade() -> None:
    """Back from 0003."""
    with op.batch_alter_table("engagement_mirror", schema=None) as batch_op:
        batch_op.drop_column("began_at")
