"""privacy checks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from readingroom.db.schema import Instant

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """To 0005."""
    op.create_table(
        "planted_items",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("leak", sa.String(length=32), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planted_items")),
    )
    with op.batch_alter_table("planted_items", schema=None) as batch_op:
        batch_op.create_index("ix_planted_items_actor", ["actor", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_planted_items_tenant"), ["tenant"], unique=False)

    op.create_table(
        "privacy_checks",
        sa.Column("item", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("planted", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("item", "actor", name=op.f("pk_privacy_checks")),
    )
    with op.batch_alter_table("privacy_checks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_privacy_checks_tenant"), ["tenant"], unique=False)


def downgrade() -> None:
    """Back from 0005."""
    with op.batch_alter_table("privacy_checks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_privacy_checks_tenant"))

    op.drop_table("privacy_checks")
    with op.batch_alter_table("planted_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_planted_items_tenant"))
        batch_op.drop_index("ix_planted_items_actor")

    op.drop_table("planted_items")
