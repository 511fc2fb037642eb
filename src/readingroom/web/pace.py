"""How fast one visitor may ask: so that nobody guesses, empties or floods the room.

Rule: counted in this process's memory and by nothing personal: a session by the hash of its token, others by the
address that the connection (or the proxy on this machine) has. A pause is said in seconds (RFC 6585, RFC 9110 10.2.3).
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import Request

from readingroom.core.clock import SystemClock
from readingroom.core.errors import TooFast
from readingroom.web.cookies import session_token

SESSION: Final = RateLimitItemPerMinute(1800)  # five items a second with what they fetch ahead, and room to spare
ADDRESS: Final = RateLimitItemPerMinute(9000)  # an office behind one address; made-up cookies count here
STRANGER: Final = RateLimitItemPerMinute(600)
DOOR: Final = RateLimitItemPerMinute(120)  # signing in: each attempt costs a transaction, perhaps the provider's time


@dataclass
class Pace:
    """Counts what each visitor asks. Safe to share between threads."""

    session: RateLimitItem = SESSION
    stranger: RateLimitItem = STRANGER
    door: RateLimitItem = DOOR
    everybody: RateLimitItem = ADDRESS
    _counted: SlidingWindowCounterRateLimiter = field(
        default_factory=lambda: SlidingWindowCounterRateLimiter(MemoryStorage())
    )

    def check(self, request: Request) -> None:
        """Count this request; TooFast, with the seconds to wait, where there were too many in a minute."""
        if request.url.path.startswith("/static/"):
            return
        token = session_token(request)
        address = request.client.host if request.client else ""
        door = request.url.path.startswith("/sign-in/")
        # a made-up cookie must not buy a fresh allowance, so the door counts by address whatever else is sent
        if door:
            limit, who = self.door, f"door {address}"
        elif token:
            limit, who = self.session, hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
        else:
            limit, who = self.stranger, address
        for rule, whose in ((self.everybody, f"all {address}"), (limit, who)):
            if not self._counted.hit(rule, whose):
                pause = self._counted.get_window_stats(rule, whose).reset_time - SystemClock().now().timestamp()
                raise TooFast("too many requests in a minute; wait a little", seconds=max(1, math.ceil(pause)))
