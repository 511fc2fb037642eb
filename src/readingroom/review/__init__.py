"""Review: queues, two labels an item, agreement, adjudication, and the flag that withholds at once (P30)."""

from readingroom.review.adjudication import adjudicate, disputes, next_dispute
from readingroom.review.flag import Flag, decide_flag, list_flags, raise_flag
from readingroom.review.labels import Label, Mark, labels_for_training, list_labels, record_label, undo_last
from readingroom.review.queues import Reviewer, next_item
from readingroom.review.stats import ReviewStats, review_stats
from readingroom.review.task_states import Answer, TaskState

__all__ = [
    "Answer",
    "Flag",
    "Label",
    "Mark",
    "ReviewStats",
    "Reviewer",
    "TaskState",
    "adjudicate",
    "decide_flag",
    "disputes",
    "labels_for_training",
    "list_flags",
    "list_labels",
    "next_dispute",
    "next_item",
    "raise_flag",
    "record_label",
    "review_stats",
    "undo_last",
]
