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
        "contact_choices",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("contact", sa.String(length=40), nullable=True),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_choices")),
    )
    with op.batch_alter_table("contact_choices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_choices_tenant"), ["tenant"], unique=False)

    op.create_table(
        "identities",
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("person", sa.String(length=40), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("contact", sa.String(length=320), nullable=False),
        sa.Column("bound_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_identities")),
    )
    with op.batch_alter_table("identities", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identities_person"), ["person"], unique=False)

    op.create_table(
        "subprocessor_objections",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("employer", sa.String(length=200), nullable=False),
        sa.Column("list_version", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("made_by", sa.String(length=40), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subprocessor_objections")),
    )
    with op.batch_alter_table("subprocessor_objections", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_subprocessor_objections_tenant"), ["tenant"], unique=False)

    with op.batch_alter_table("contact_register", schema=None) as batch_op:
        batch_op.add_column(sa.Column("topic", sa.String(length=16), nullable=True))

    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("identity", sa.String(length=64), server_default="", nullable=False))
        batch_op.add_column(sa.Column("provider_session", sa.String(length=64), server_default="", nullable=False))
        batch_op.create_index(batch_op.f("ix_sessions_identity"), ["identity"], unique=False)


def downgrade() -> None:
    """Back from 0002."""
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sessions_identity"))
        batch_op.drop_column("provider_session")
        batch_op.drop_column("identity")

    with op.batch_alter_table("contact_register", schema=None) as batch_op:
        batch_op.drop_column("topic")

    with op.batch_alter_table("subprocessor_objections", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subprocessor_objections_tenant"))

    op.drop_table("subprocessor_objections")
    with op.batch_alter_table("identities", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identities_person"))

    op.drop_table("identities")
    with op.batch_alter_table("contact_choices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_choices_tenant"))

    op.drop_table("contact_choices")
