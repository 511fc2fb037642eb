"""What obstore and the file system answer becomes one of our errors, without what they say (rule 3 of stores).

obstore's threads do not survive a fork: a child would wait for them for ever. So a child of a process that has used
a store gets a StoreFault instead; processes that need stores are started by `spawn`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from obstore.exceptions import AlreadyExistsError, BaseError

from readingroom.core.errors import ObjectExists, ObjectMissing, StoreFault, UsageError
from readingroom.stores.store import check_path

_USED_BY: set[int] = set()  # process ids: a forked child inherits its parent's


@contextmanager
def foreign(act: str) -> Iterator[None]:
    """Inside, a foreign error becomes ObjectExists, ObjectMissing or StoreFault that names `act` and nothing else."""
    _USED_BY.add(os.getpid())
    if len(_USED_BY) > 1:
        raise StoreFault(f"{act}: this process was forked from one that uses stores; start it by spawn")
    try:
        yield
    except (AlreadyExistsError, FileExistsError):
        raise ObjectExists(f"{act}: there is an object of this path already") from None
    except FileNotFoundError:
        raise ObjectMissing(f"{act}: there is no such object") from None
    except (BaseError, OSError, ValueError) as error:
        raise StoreFault(f"{act}: the store failed with {type(error).__name__}") from None


def own_paths(found: Iterable[str]) -> Iterator[str]:
    """`found`, sorted; a name that no `put` can have made is a StoreFault: a store holds nothing else (P25)."""
    try:
        return iter([check_path(path) for path in sorted(found)])
    except UsageError:
        raise StoreFault("the store holds something that is not an object of ours") from None
