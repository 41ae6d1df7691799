"""Servers of ours on the gateway's port: who asks, is it there, does it run (GN-20, GN-L04).

It runs on the gateway's loop; everything that is the daemon's own is asked on the daemon's.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from html import escape
from typing import ClassVar, Generic, TypeVar

from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from easymaker_local.api.access import is_same_origin, own_hosts, presented_token, refuse_place, with_headers
from easymaker_local.api.pages import html_page
from easymaker_local.api.web_servers.proxy import Body, ClientGone, Proxy, TooLarge, Unreachable
from easymaker_local.controllers.web_servers import FAILURE_SECONDS, Broken, Ready, Site, Starting, State, WebServers
from easymaker_local.domain.job_token import Job
from easymaker_local.errors import NotFound
from easymaker_local.kit.loops import HomeLoop
from easymaker_local.services.credentials import SESSION_SECONDS, Caller, Credentials, Origin
from easymaker_local.settings import Settings

log = logging.getLogger(__name__)

# What is no page cannot show progress; it waits instead, and its asker gives up or comes again.
WAIT_SECONDS = 60.0
_LINES = 12
_AGAIN = f"<p>Load this page again after {FAILURE_SECONDS:.0f} seconds to try once more.</p>"
_READS = frozenset({"GET", "HEAD"})

S = TypeVar("S", bound=Site)


class WebServerApp(ABC, Generic[S]):
    """The ASGI application before the servers of one kind."""

    methods: ClassVar[frozenset[str]] = _READS | {"POST"}
    maximum_body_bytes: ClassVar[int | None] = 16 << 20

    def __init__(self, servers: WebServers[S], credentials: Credentials, settings: Settings, home: HomeLoop) -> None:
        self._servers = servers
        self._credentials = credentials
        self._home = home
        self._hosts = own_hosts(settings)
        # Browsers share cookies among all ports of a host, so its name holds the port.
        self._cookie = f"easymaker-{servers.kind}-{settings.gateway_port}"
        self._proxy = Proxy()

    # -- what a kind says of its servers

    @abstractmethod
    def find(self, path: str) -> tuple[S, str] | None:
        """Return the site to which a path leads, and the rest of the path; None if there is none."""

    @abstractmethod
    def command(self, site: S) -> str:
        """Return the command that signs a browser in."""

    def refuse_job(self, asked: Asked, rest: str) -> Response | None:
        """Say whether a job may ask for this; by default for nothing."""
        return asked.say(403, "Not for jobs", f"A job's token does not open {self._servers.title}.")

    async def use(self, site: S, asked: Asked, wait_seconds: float) -> State:
        """Return the server's state, starting it if need be; runs on the daemon's loop."""
        return await self._servers.use(site, wait_seconds)

    # -- requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        begun = False

        async def watched(message: dict[str, object]) -> None:
            nonlocal begun
            begun = True
            await send(message)

        guarded = with_headers(watched)  # type: ignore[arg-type]
        try:
            answer = await self._answer(scope, receive, guarded)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if begun:
                raise  # the answer is cut off, which the browser sees
            answer = Asked(scope).say(500, self._servers.title, "The daemon failed to answer this; its log has the details.")
        if answer is not None:
            await answer(scope, receive, guarded)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Response | None:
        """Return the answer; None if it was sent already."""
        asked = Asked(scope)
        refusal = refuse_place(scope, asked.headers, self._hosts, is_page=asked.is_navigation)
        if refusal is not None:
            return asked.say(refusal.status, "Refused", f"{refusal.message} {refusal.hint or ''}".strip())
        found = self.find(scope["path"])
        if found is None:
            return asked.say(404, "Nothing here", "There is no such page.")
        if asked.method not in self.methods:
            return asked.say(405, self._servers.title, "This path does not take that method.")
        site, rest = found
        if not rest:
            return RedirectResponse(site.path, 301)
        if rest == "/login" and asked.method == "GET":
            return await self._login(site, asked)
        refused = await self._refuse_caller(site, asked, rest)
        if refused is not None:
            return refused
        try:
            return await self._serve(site, asked, await Body.begin(receive, self.maximum_body_bytes), send)
        except TooLarge:
            return asked.say(413, "Too large", f"The body is larger than {self._servers.title}'s page ever sends.")
        except ClientGone:
            return asked.say(400, self._servers.title, "The request has ended too soon.")

    async def _login(self, site: S, asked: Asked) -> Response:
        # Browsers load ahead what somebody only types or points at; that must not use the code up.
        if "prefetch" in asked.headers.get("sec-purpose", asked.headers.get("purpose", "")):
            return Response(status_code=204)
        secret = await self._home.run(self._redeem(asked.query("code")))
        if secret is None:
            return asked.say(
                401, "This link does not work", "It was used already, has expired, or is incomplete.", self._sign_in(site)
            )
        answer = RedirectResponse(site.path, 303)
        # Lax, not Strict as the API's: the page of the API is another site, and its links must lead here signed in.
        answer.set_cookie(
            self._cookie, secret, max_age=int(SESSION_SECONDS), path=f"/{self._servers.kind}/", secure=True, httponly=True,
            samesite="lax",
        )  # fmt: skip
        return answer

    async def _refuse_caller(self, site: S, asked: Asked, rest: str) -> Response | None:
        token = presented_token(asked.headers)
        if token is not None:
            match await self._home.run(self._caller(token)):
                case Caller.USER:
                    return None
                case Job() as job:
                    asked.job = job
                    return self.refuse_job(asked, rest)
            return asked.say(401, "Not signed in", "The token is wrong.", self._sign_in(site))
        secret = cookie_parser(asked.headers.get("cookie", "")).get(self._cookie)
        counts = asked.is_navigation or is_same_origin(asked.scope, asked.headers)
        if secret is not None and counts and await self._home.run(self._credentials.is_session(secret, Origin.GATEWAY)):
            return None
        text = f"{self._servers.title} is shown to whoever has signed in."
        return asked.say(401, "Not signed in", text, self._sign_in(site))

    async def _serve(self, site: S, asked: Asked, body: Body, send: Send) -> Response | None:
        wait = 0.0 if asked.is_page else WAIT_SECONDS
        title = self._servers.title
        for _ in range(2):
            try:
                state = await self._home.run(self.use(site, asked, wait))
            except NotFound as error:
                return asked.say(404, "Nothing to show", error.message)
            match state:
                case Ready():
                    try:
                        await self._proxy.forward(state, asked.scope, body, send)
                    except Unreachable:
                        # It has ended since, for instance because nobody had asked: once more from the start.
                        await self._home.run(self._lost(site, state))
                        if not body.is_whole:
                            break
                        continue
                    return None
                case Starting(progress):
                    return asked.wait(title, progress)
                case Broken(message, output):
                    return asked.say(502, f"{title} cannot start", message, _output(output) + _AGAIN)
        return asked.wait(title, f"{title} is started again.")

    def _sign_in(self, site: S) -> str:
        return f"<p>Run <code>{escape(self.command(site))}</code> in a terminal on this machine to sign in and come here.</p>"

    async def _redeem(self, code: str) -> str | None:
        secret = await self._credentials.redeem(code, Origin.GATEWAY)
        if secret is None:
            self._credentials.failures.count()
        return secret

    async def _caller(self, token: str) -> Caller | Job | None:
        caller = await self._credentials.user_or_job(token)
        if caller is None:
            self._credentials.failures.count()
        return caller

    async def _lost(self, site: S, state: Ready) -> None:
        self._servers.lost(site, state)


class Asked:
    """A request, and answers in the form that its asker can read: pages for people, lines for programs."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.headers = Headers(scope=scope)
        self.job: Job | None = None
        """Who asks, if a job does."""

    @property
    def is_navigation(self) -> bool:
        """True if a browser goes to this address, rather than a page loading it or framing it."""
        modes = self.headers.get("sec-fetch-mode"), self.headers.get("sec-fetch-dest")
        return self.method in _READS and modes == ("navigate", "document")

    @property
    def is_page(self) -> bool:
        """True if the answer is shown to a person."""
        return self.method == "GET" and "text/html" in self.headers.get("accept", "")

    def query(self, name: str) -> str:
        """Return a parameter of the address; empty if it is not there."""
        return QueryParams(self.scope["query_string"]).get(name, "")

    def say(self, status: int, title: str, text: str, html: str = "") -> Response:
        """Answer with words; ``html`` comes after them on a page."""
        if self.is_page:
            return html_page(title, f"<p>{escape(text)}</p>{html}", status)
        return PlainTextResponse(f"{text}\n", status)

    def wait(self, title: str, progress: str) -> Response:
        """Answer that it takes a moment; a page comes again by itself."""
        if self.is_page:
            body = f"<p>{escape(progress)}</p><progress></progress><p>This page goes on by itself.</p>"
            answer: Response = html_page(f"{title} starts", body, 503, refresh="1")
        else:
            answer = PlainTextResponse(f"{progress}\n", 503)
        answer.headers["retry-after"] = "1"
        return answer


def _output(text: str) -> str:
    last = "\n".join(text.rstrip().splitlines()[-_LINES:])
    return f"<pre>{escape(last)}</pre>" if last else ""
