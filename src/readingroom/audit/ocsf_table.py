"""Which OCSF class and activity each kind of event is exported as; tests fail when a kind has no line here.

Classes and activities are those of OCSF 1.8.0 (schema.ocsf.io); `category_uid` is the class's first digit, `type_uid`
is 100 times the class, plus the activity. A kind that is not here is still exported, as a Base Event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final

SCHEMA_VERSION: Final = "1.8.0"


class EventClass(IntEnum):
    """The OCSF classes that a register of this room needs."""

    BASE = 0
    DATA_SECURITY_FINDING = 2006
    DETECTION_FINDING = 2004
    ACCOUNT_CHANGE = 3001
    AUTHENTICATION = 3002
    ENTITY_MANAGEMENT = 3004
    USER_ACCESS = 3005
    API_ACTIVITY = 6003
    DATASTORE_ACTIVITY = 6005

    @property
    def category(self) -> int:
        """The class's category: findings 2, identity and access 3, application activity 6."""
        return self.value // 1000


CAPTIONS: Final[Mapping[EventClass, str]] = MappingProxyType(
    {
        EventClass.BASE: "Base Event",
        EventClass.DATA_SECURITY_FINDING: "Data Security Finding",
        EventClass.DETECTION_FINDING: "Detection Finding",
        EventClass.ACCOUNT_CHANGE: "Account Change",
        EventClass.AUTHENTICATION: "Authentication",
        EventClass.ENTITY_MANAGEMENT: "Entity Management",
        EventClass.USER_ACCESS: "User Access Management",
        EventClass.API_ACTIVITY: "API Activity",
        EventClass.DATASTORE_ACTIVITY: "Datastore Activity",
    }
)


@dataclass(frozen=True)
class Mapped:
    """How one kind of event is written: class, activity, what it is about, and how grave it is."""

    event_class: EventClass
    activity: int
    about: str  # the type of the thing: copy, tenant, grant, …
    uid: str = ""  # the fact that names the thing; "" takes the copy, else the tenant
    severity: int = 1  # 1 informational, 2 low, 3 medium, 4 high
    failed: bool = False  # somebody was refused


UNMAPPED: Final = Mapped(EventClass.BASE, 99, "event")

_CREATE, _READ, _UPDATE, _DELETE, _OTHER = 1, 2, 3, 4, 99  # entity management and API activity
_ENROLL, _UNENROLL, _ENABLE, _DISABLE, _ACTIVATE, _DEACTIVATE, _SUSPEND, _RESUME = 6, 7, 8, 9, 10, 11, 12, 13
_ASSIGN, _REVOKE = 1, 2  # user access
_LOGON, _LOGOFF, _TICKET, _PREAUTH = 1, 2, 3, 6  # authentication
_OPENED, _CHANGED, _CLOSED = 1, 2, 3  # findings
_STORE_READ, _STORE_UPDATE, _STORE_WRITE, _STORE_CREATE, _STORE_DELETE = 1, 2, 5, 6, 7  # datastore activity
_ACCOUNT_CREATE, _ACCOUNT_DISABLE, _ACCOUNT_DELETE, _ATTACH, _DETACH = 1, 5, 6, 7, 8  # account change
_LOW, _MEDIUM, _HIGH = 2, 3, 4


def _entity(activity: int, about: str, uid: str = "", *, severity: int = 1) -> Mapped:
    return Mapped(EventClass.ENTITY_MANAGEMENT, activity, about, uid, severity)


def _store(activity: int, *, severity: int = 1, failed: bool = False) -> Mapped:
    return Mapped(EventClass.DATASTORE_ACTIVITY, activity, "copy", "", severity, failed)


def _api(activity: int, about: str, uid: str = "", *, severity: int = 1) -> Mapped:
    return Mapped(EventClass.API_ACTIVITY, activity, about, uid, severity)


def _account(activity: int) -> Mapped:
    return Mapped(EventClass.ACCOUNT_CHANGE, activity, "person", "person")


def _sign_in(activity: int, *, failed: bool = False) -> Mapped:
    return Mapped(EventClass.AUTHENTICATION, activity, "session", "person", _MEDIUM if failed else 1, failed)


def _grant(activity: int, *, severity: int = 1, failed: bool = False) -> Mapped:
    return Mapped(EventClass.USER_ACCESS, activity, "grant", "grant", severity, failed)


def _finding(activity: int, about: str, uid: str = "", *, severity: int = _MEDIUM) -> Mapped:
    return Mapped(EventClass.DATA_SECURITY_FINDING, activity, about, uid, severity)


_ROOM: Final = {
    "room.opened": _entity(_CREATE, "room"),
    "room.upgraded": _entity(_UPDATE, "room", severity=_LOW),
    "room.downgraded": _entity(_UPDATE, "room", severity=_MEDIUM),
    "room.restored": _entity(_OTHER, "room", "backup", severity=_HIGH),
    "restore.replayed": _entity(_UPDATE, "room", severity=_MEDIUM),
    "restore.copy_ended": _store(_STORE_DELETE, severity=_MEDIUM),
    "restore.withheld_kept": _entity(_UPDATE, "withheld list"),
    "restore.engagement_held": _entity(_SUSPEND, "engagement", severity=_MEDIUM),
    "restore.access_shut": Mapped(EventClass.USER_ACCESS, _REVOKE, "grant", "", _MEDIUM),
    "notice.published": _entity(_CREATE, "notice", "version"),
    "subprocessors.published": _entity(_CREATE, "subprocessor list", "version"),
    "tenant.added": _entity(_CREATE, "tenant"),
    "tenant.table_excluded": _entity(_UPDATE, "tenant", severity=_LOW),
    "tenant.tag_key_destroyed": _entity(_DELETE, "tag key", severity=_LOW),
    "column.confirmed": _entity(_UPDATE, "column"),
    "column.withheld": _entity(_UPDATE, "column"),
}
_ENGAGEMENT: Final = {
    "engagement.opted_in": _entity(_ACTIVATE, "engagement"),
    "engagement.suspended": _entity(_SUSPEND, "engagement", severity=_LOW),
    "engagement.resumed": _entity(_RESUME, "engagement"),
    "engagement.notice_received": _entity(_UPDATE, "engagement", severity=_LOW),
    "engagement.opted_out": _entity(_DEACTIVATE, "engagement", severity=_LOW),
    "engagement.terminated": _entity(_DEACTIVATE, "engagement", severity=_LOW),
    "engagement.ran_out": _entity(_DEACTIVATE, "engagement", severity=_LOW),
    "engagement.mirrored": _entity(_UPDATE, "engagement"),
    "engagement.previewed": _entity(_READ, "preview"),
    "engagement.notice_pending": _entity(_UPDATE, "engagement", severity=_LOW),
    "engagement.notice_accepted": _entity(_UPDATE, "engagement", severity=_LOW),
    "contact.allowed": _entity(_ENABLE, "contact preference"),
    "contact.refused": _entity(_DISABLE, "contact preference"),
    "contact.made": _entity(_OTHER, "contact", "contact"),
    "contact.forgotten": _entity(_DELETE, "contact", "contact"),
    "feedback.given": _entity(_CREATE, "feedback", "id"),
    "feedback.sealed": _entity(_CREATE, "feedback", "id"),
    "feedback.read": _entity(_READ, "feedback", "id", severity=_LOW),
    "feedback.erased": _entity(_DELETE, "feedback", "id"),
    "subprocessors.objected": _entity(_UPDATE, "subprocessor list", "version", severity=_MEDIUM),
    "subprocessors.objection_withdrawn": _entity(_UPDATE, "subprocessor list", "version"),
}
_PEOPLE: Final = {
    "person.added": _account(_ACCOUNT_CREATE),
    "person.role_added": _account(_ATTACH),
    "person.left": _account(_ACCOUNT_DISABLE),
    "person.forgotten": _account(_ACCOUNT_DELETE),
    "fact.asserted": _account(_OTHER),
    "fact.confirmed": _account(_ATTACH),
    "fact.withdrawn": _account(_DETACH),
    "workstation.enrolled": _entity(_ENROLL, "workstation", "workstation"),
    "workstation.retired": _entity(_UNENROLL, "workstation", "workstation"),
    "workstation.compliance_changed": _entity(_UPDATE, "workstation", "workstation", severity=_LOW),
    "workstation.challenged": _entity(_OTHER, "workstation", "workstation"),
    "workstation.proved": _entity(_OTHER, "workstation", "workstation"),
    "session.link_created": _sign_in(_PREAUTH),
    "session.started": _sign_in(_LOGON),
    "session.ended": _sign_in(_LOGOFF),
    "session.refused": _sign_in(_LOGON, failed=True),
    "identity.bound": _account(_ATTACH),
    "identity.ended": _account(_DETACH),
}
_ACCESS: Final = {
    "access.requested": _grant(_OTHER),
    "access.approved": _grant(_ASSIGN, severity=_LOW),
    "access.refused": _grant(_OTHER, failed=True),
    "access.revoked": _grant(_REVOKE, severity=_LOW),
    "access.expired": _grant(_REVOKE),
    "access.denied": _store(_STORE_READ, severity=_MEDIUM, failed=True),
    "item.viewed": _store(_STORE_READ, severity=_LOW),
    "part.opened": _store(_STORE_READ, severity=_LOW),
    "alert.raised": Mapped(EventClass.DETECTION_FINDING, _OPENED, "alert", "alert", _HIGH),
    "alert.seen": Mapped(EventClass.DETECTION_FINDING, _CHANGED, "alert", "alert", _LOW),
}
_COPIES: Final = {
    "copy.started": _store(_STORE_CREATE),
    "copy.second_look_done": _store(_STORE_UPDATE),
    "copy.part_registered": _store(_STORE_WRITE),
    "copy.part_recorded": _store(_STORE_WRITE),
    "copy.sealed": _store(_STORE_WRITE, severity=_LOW),
    "copy.refused": _finding(_OPENED, "refused copy"),
    "copy.rewrite_registered": _store(_STORE_WRITE),
    "copy.rewrite_taken_back": _store(_STORE_UPDATE),
    "copy.part_rewritten": _store(_STORE_UPDATE),
    "copy.part_destroyed": _store(_STORE_DELETE),
    "copy.deletions_noted": _api(_CREATE, "erasure triggers"),
    "copy.purge_started": _store(_STORE_DELETE),
    "copy.rows_deleted": _store(_STORE_DELETE),
    "copy.purged": _store(_STORE_DELETE, severity=_LOW),
    "tags.counted": _store(_STORE_READ, severity=_LOW),
}
_WORK: Final = {
    "queue.filled": _api(_CREATE, "queue"),
    "queue.ordered": _api(_UPDATE, "queue"),
    "label.recorded": _api(_CREATE, "label", "label"),
    "label.undone": _api(_DELETE, "label", "label"),
    "label.adjudicated": _api(_UPDATE, "label", "label"),
    "queue.ended": _entity(_UPDATE, "queue"),
    "check.prepared": _entity(_OTHER, "privacy check"),
    "check.recorded": _entity(_UPDATE, "privacy check"),
    "flag.raised": _finding(_OPENED, "privacy flag", "flag"),
    "flag.repeated": _finding(_CHANGED, "privacy flag", "flag", severity=_LOW),
    "flag.dismissed": _finding(_CLOSED, "privacy flag", "flag", severity=_LOW),
    "flag.confirmed": _finding(_CHANGED, "privacy flag", "flag", severity=_HIGH),
    "flag.values_known": _finding(_CHANGED, "privacy flag", "flag"),
    "flag.removed": _finding(_CLOSED, "privacy flag", "flag", severity=_HIGH),
    "model.trained": _entity(_CREATE, "model", "model"),
    "model.gated": _entity(_UPDATE, "model", "model"),
    "model.released": _entity(_ENABLE, "model", "model", severity=_LOW),
    "model.retired": _entity(_DISABLE, "model", "model"),
    "privacy.spent": _entity(_UPDATE, "privacy budget", "model"),
    "subject.found": _store(_STORE_READ, severity=_LOW),
    "subject.asked": _api(_CREATE, "request", "request", severity=_LOW),
    "subject.erasure_accepted": _api(_CREATE, "erasure request", "request", severity=_LOW),
    "subject.erased": _api(_DELETE, "erasure request", "request", severity=_LOW),
}
TABLE: Final[Mapping[str, Mapped]] = MappingProxyType(_ROOM | _ENGAGEMENT | _PEOPLE | _ACCESS | _COPIES | _WORK)
