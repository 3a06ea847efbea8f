"""Ask EC2's metadata service for a spot notice."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

METADATA_URL = "http://169.254.169.254"
"""The metadata service of every EC2 instance.

A container reaches it only if the instance allows one hop more, or if the container uses the
instance's network.
"""
_TOKEN_S = 21600
_TIMEOUT_S = 2.0
_NOTICE_S = 120.0
"""EC2 gives notice this long before it takes an instance back."""


@dataclass(frozen=True)
class Notice:
    """The notice that EC2 takes this instance back."""

    action: str
    """``terminate``, ``stop`` or ``hibernate``. The work on the instance ends with each of them."""
    at: float
    """When, in seconds since 1970.

    EC2 gives notice two minutes before it stops or terminates an instance, and promises no more.
    """


class Metadata:
    """The instance metadata service, version 2 only. Every request carries a token."""

    def __init__(self, url: str = METADATA_URL) -> None:
        self.url = url.rstrip("/")
        self._token, self._token_until = "", 0.0
        # Without a proxy: that would answer for its own instance.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def read(self, path: str) -> str | None:
        """Return the text at a path, or None if there is none.

        The path is below ``latest/meta-data``. Raises OSError if the service does not answer.
        """
        if time.monotonic() >= self._token_until:
            self._renew_token()
        try:
            return self._request("GET", f"meta-data/{path}", {"X-aws-ec2-metadata-token": self._token})
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404:
                return None
            # 401: the instance was stopped and started, or its clock was set.
            self._token_until = 0.0
            raise

    def notice(self) -> Notice | None:
        """Return the spot notice, or None if there is none yet.

        Raises OSError if the service does not answer.
        """
        text = self.read("spot/instance-action")
        if text is None:
            return None
        fields = _parse_fields(text)
        return Notice(str(fields.get("action", "terminate")), _parse_time(fields.get("time")))

    def recommended_since(self) -> str | None:
        """Return the time of a recommendation to leave, or None.

        It is as EC2 writes it. A recommendation is no notice, and a notice need not follow.
        """
        text = self.read("events/recommendations/rebalance")
        return text and str(_parse_fields(text).get("noticeTime", "now"))

    def _renew_token(self) -> None:
        self._token = self._request("PUT", "api/token", {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_S)})
        self._token_until = time.monotonic() + _TOKEN_S / 2

    def _request(self, method: str, path: str, headers: dict[str, str]) -> str:
        request = urllib.request.Request(f"{self.url}/latest/{path}", method=method, headers=headers)
        try:
            with self._open(request, timeout=_TIMEOUT_S) as answer:
                return str(answer.read().decode())
        except http.client.HTTPException as error:
            raise ConnectionError(f"{self.url}: no answer in HTTP: {error!r}") from error


def wait_for_notice(metadata: Metadata, every_s: float, report: Callable[[str], None]) -> Notice:
    """Wait until there is a notice, and return it.

    If the service does not answer, ask again: it limits the rate of requests, and a notice stays.
    ``report`` is called once when it falls silent, once when it answers again, and once for a
    recommendation to leave the instance.
    """
    is_silent = is_recommended = False
    while True:
        try:
            notice = metadata.notice()
            if notice is not None:
                return notice
            if not is_recommended and (since := metadata.recommended_since()):
                is_recommended = True
                report(f"EC2 has recommended to leave this instance since {since}; work continues until there is a notice")
            if is_silent:
                report(f"{metadata.url} answers again")
            is_silent = False
        except OSError as error:
            if not is_silent:
                report(f"{metadata.url} does not answer ({error}); asking again every {every_s:g} s")
            is_silent = True
        time.sleep(every_s)


def _parse_fields(text: str) -> dict[str, Any]:
    """Parse a JSON object. If the text is none, return no fields: it is a notice all the same."""
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _parse_time(stamp: object) -> float:
    """Parse an ISO time to seconds since 1970. If it is none, assume the full time of a notice."""
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except ValueError:
        return time.time() + _NOTICE_S
