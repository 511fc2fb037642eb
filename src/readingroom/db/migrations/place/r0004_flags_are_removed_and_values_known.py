"""flags are removed and values known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from readingroom.db.schema import Instant

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """To 0004."""
    op.create_table(
        "known_values",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("tag", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("spelled", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_values")),
        sa.UniqueConstraint("tenant", "tag", name=op.f("uq_known_values_tenant")),
    )
    with op.batch_alter_table("known_values", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_known_values_tenant"), ["tenant"], unique=False)

    with op.batch_alter_table("flags", schema=None) as batch_op:
        batch_op.add_column(sa.Column("box", sa.Text(), server_default=sa.text("('')"), nullable=False))
        batch_op.add_column(sa.Column("tell_by", Instant(), nullable=True))
        batch_op.add_column(sa.Column("removed_at", Instant(), nullable=True))


def downgrade() -> None:
    """Back from 0004."""
    with op.batch_alter_table("flags", schema=None) as batch_op:
        batch_op.drop_column("removed_at")
        batch_op.drop_column("tell_by")
        batch_op.drop_column("box")

    with op.batch_alter_table("known_values", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_known_values_tenant"))

    op.drop_table("known_values")
