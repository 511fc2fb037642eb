"""the second release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from readingroom.db.schema import Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """To 0002."""
    op.create_table(
        "subject_asks",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("box", sa.Text(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_subject_asks")),
    )
    with op.batch_alter_table("engagement_mirror", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pending", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Back from 0002."""
    with op.batch_alter_table("engagement_mirror", schema=None) as batch_op:
        batch_op.drop_column("pending")

    op.drop_table("subject_asks")
