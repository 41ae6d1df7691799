"""Who may talk to the daemon, and how much they may send: checked before any route, as plain ASGI (architecture 12).

A browser sends requests for any page that it shows, so three things are asked of every request: is it meant for this machine
(``Host``: a page that rebinds its own name to 127.0.0.1 sends that name), does it come from a foreign page (``Origin``,
``Sec-Fetch-Site``), and who speaks (a token, or the cookie of a session). A cookie is sent by the browser unasked, also for
pages of other ports of this machine (notebooks, TensorBoard), so it counts only for requests of the page itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from easymaker_local.api.envelope import failure
from easymaker_local.api.page_files import is_page
from easymaker_local.kit.hosts import Host, is_loopback, parse_host, parse_origin
from easymaker_local.services.credentials import Caller, Credentials
from easymaker_local.settings import Settings

# The largest body that is read into memory; uploads to storage are streamed and have no limit but the disk.
MAXIMUM_BODY_BYTES = 16 << 20
# What the vendor's own log service takes at once; the SDK's logger sends up to 40 million characters (rest-api §9).
MAXIMUM_LOG_BYTES = 52 << 20

# What the SDK asks before it has a token (rest-api §1.2), and what a supervisor asks.
OPEN_PATHS = frozenset({"/nhn-api-gateway", "/health"})
# What a browser shows before somebody has signed in; these look at the cookie themselves.
PAGES = frozenset({"/", "/login", "/logout"})

# What jobs may ask for: what the vendor's SDK has calls for (rest-api §5), and nothing that is the user's alone.
JOB_RESOURCES = frozenset({
    "flavors", "images", "algorithms", "experiments", "trainings", "hyperparameter-tunings", "model-presets", "fine-tunings",
    "models", "endpoints", "endpoint-stages", "endpoint-models", "batch-inferences", "pipelines", "pipeline-runs",
    "pipeline-recurring-runs", "model-evaluations",
})  # fmt: skip

_READS = frozenset({"GET", "HEAD"})
_POLICY_VIOLATION = 1008


@dataclass(frozen=True)
class Refusal:
    """What is answered instead of the route's answer."""

    status: int
    code: str
    message: str
    hint: str | None = None


_FOREIGN_PAGE = Refusal(403, "FOREIGN_ORIGIN", "Requests from other web pages are refused.")


def presented_token(headers: Headers) -> str | None:
    """Return the token in any of the ways in which clients send it (rest-api §1.3, §13.5)."""
    for name in ("x-easymaker-token", "x-secret-key"):
        if headers.get(name):
            return headers[name]
    for name in ("x-nhn-authorization", "authorization"):
        scheme, _, value = headers.get(name, "").partition(" ")
        if scheme.lower() == "bearer" and value:
            return value.strip()
    return None


def session_cookie(settings: Settings) -> str:
    """Return the cookie's name; it holds the port, since browsers share cookies among all ports of a host."""
    return f"easymaker-session-{settings.port}"


def session_of(headers: Headers, settings: Settings) -> str | None:
    """Return the secret in the session's cookie."""
    return cookie_parser(headers.get("cookie", "")).get(session_cookie(settings))


def is_same_origin(scope: Scope, headers: Headers) -> bool:
    """True if the request comes from the daemon's own page, or, for a read, from the user's own hand.

    Browsers that do not say so (``Sec-Fetch-Site``) must send ``Origin`` on what is not a read.
    """
    is_read = scope["type"] == "http" and scope["method"] in _READS
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if origin is not None and origin != f"{_web_scheme(scope)}://{headers.get('host')}":
        return False
    if site is not None:
        return site == "same-origin" or (site == "none" and is_read)
    return is_read or origin is not None


def refuse_place(scope: Scope, headers: Headers, hosts: Collection[Host], *, is_page: bool) -> Refusal | None:
    """Refuse foreign hosts and foreign pages. ``is_page``: it does nothing by being looked at, so links may lead to it."""

    def is_own(host: Host | None) -> bool:
        return host is not None and (is_loopback(host) or host in hosts)

    named = headers.getlist("host")
    if len(named) != 1 or not is_own(parse_host(named[0])):
        hint = "Give the daemon further names with the setting allowed_hosts."
        return Refusal(403, "FOREIGN_HOST", "The Host header does not name this machine.", hint)
    origins = headers.getlist("origin")
    if len(origins) > 1 or (origins and not is_own(parse_origin(origins[0]))):
        return _FOREIGN_PAGE
    site = headers.get("sec-fetch-site")
    is_read = scope["type"] == "http" and scope["method"] in _READS
    if site == "cross-site" and not (is_read and is_page):
        return _FOREIGN_PAGE
    if site == "same-site" and not is_read:
        return _FOREIGN_PAGE
    return None


class Access:
    """Refuses foreign hosts and pages, wrong tokens and oversized bodies; tolerates doubled slashes (rest-api §13.4)."""

    def __init__(self, app: ASGIApp, credentials: Credentials, settings: Settings) -> None:
        self._app = app
        self._credentials = credentials
        self._settings = settings
        self._hosts = own_hosts(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        while "//" in scope["path"]:
            scope["path"] = scope["path"].replace("//", "/")
        refusal = refuse_place(scope, headers, self._hosts, is_page=_is_page(scope))
        refusal = refusal or await refuse_caller(scope, headers, self._credentials, self._settings)
        refusal = refusal or _refuse_size(scope, headers)
        if scope["type"] != "http":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal.message})
            return
        guarded = with_headers(send)
        if refusal is not None:
            answer = failure(refusal.status, refusal.code, refusal.message, hint=refusal.hint)
            await answer(scope, receive, guarded)
            return
        await self._app(scope, receive if _is_upload(scope) else _Limited(receive, _limit(scope)), guarded)


async def refuse_caller(scope: Scope, headers: Headers, credentials: Credentials, settings: Settings) -> Refusal | None:
    """Refuse wrong tokens and sessions that have ended."""
    path = scope["path"]
    if _is_page(scope) or (scope["type"] == "http" and path in OPEN_PATHS):
        return None
    token = presented_token(headers)
    if token is not None:
        return await _refuse_token(path, token, credentials)
    secret = session_of(headers, settings)
    if secret is not None:
        if not is_same_origin(scope, headers):
            return _FOREIGN_PAGE
        if await credentials.is_session(secret):
            return None
        return Refusal(401, "UNAUTHORIZED", "The session has ended.", "Sign in again with: easymaker-local open")
    return Refusal(401, "UNAUTHORIZED", "No token was sent.", 'Set it with: eval "$(easymaker-local env)"')


async def _refuse_token(path: str, token: str, credentials: Credentials) -> Refusal | None:
    match await credentials.caller(token):
        case Caller.USER:
            return None
        case Caller.JOB if is_open_to_jobs(path):
            return None
        case Caller.JOB:
            return Refusal(403, "NOT_FOR_JOBS", "A job's token does not open this.", "Ask with the user's token.")
    said = "The token is wrong."
    if credentials.failures.count():
        said = "The token is wrong. So were many within the last minute; the right one is taken all the same."
    return Refusal(401, "UNAUTHORIZED", said, 'Set it with: eval "$(easymaker-local env)"')


def _is_page(scope: Scope) -> bool:
    return scope["type"] == "http" and (scope["path"] in PAGES or is_page(scope["path"]))


def is_open_to_jobs(path: str) -> bool:
    """True for the calls of the vendor's SDK: ``/v1.0/appkeys/{appkey}/{resource}…``, the storage token (§7.1), logs (§9)."""
    match path.split("/"):
        case ["", "v1.0", "appkeys", _, "endpoints", _, "api-key", *_]:
            return False  # whoever calls an endpoint gets its key from its owner
        case ["", "v1.0", "appkeys", _, resource, *_]:
            return resource in JOB_RESOURCES
        case ["", "token", "v1.0", "appkeys", _, "groups", _, "iaas-token"] | ["", "v2", "log"]:
            return True
    return False


def own_hosts(settings: Settings) -> Collection[Host]:
    """Return what the settings add to loopback. The address listened on is one; "all addresses" names none."""
    named = [*settings.allowed_hosts, f"[{settings.host}]" if ":" in settings.host else settings.host]
    hosts = {host for text in named if (host := parse_host(text)) is not None}
    return {host for host in hosts if isinstance(host, str) or not host.is_unspecified}


def _web_scheme(scope: Scope) -> str:
    return "https" if scope["scheme"] in {"https", "wss"} else "http"


def with_headers(send: Send) -> Send:
    """Add what keeps answers from being read, framed or kept by anybody but the asker."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("x-content-type-options", "nosniff")
            headers.setdefault("cross-origin-resource-policy", "same-origin")
            headers.setdefault("referrer-policy", "no-referrer")
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return guarded


def _refuse_size(scope: Scope, headers: Headers) -> Refusal | None:
    length, limit = headers.get("content-length", "0"), _limit(scope)
    if scope["type"] != "http" or _is_upload(scope) or (length.isdecimal() and int(length) <= limit):
        return None
    return Refusal(400, "BODY_TOO_LARGE", f"The body is larger than {limit >> 20} MiB.")


def _is_upload(scope: Scope) -> bool:
    return scope["method"] == "PUT" and "/storage/" in scope["path"]


def _limit(scope: Scope) -> int:
    return MAXIMUM_LOG_BYTES if scope["path"] == "/v2/log" else MAXIMUM_BODY_BYTES


class _Limited:
    """A body without a length is counted as it comes; what is over the limit looks like a client that went away."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return {"type": "http.disconnect"} if self._left < 0 else message
