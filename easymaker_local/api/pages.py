"""What a browser shows: the page, signing in with a one-time link, and signing out."""

from __future__ import annotations

from html import escape

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from easymaker_local.api import page_files
from easymaker_local.api.access import is_same_origin, session_cookie, session_of
from easymaker_local.services.credentials import SESSION_SECONDS, Credentials
from easymaker_local.settings import Settings

# Pages for people, not part of the API that programs use.
router = APIRouter(include_in_schema=False)

_SIGN_IN = "<p>Run <code>easymaker-local open</code> in a terminal on this machine to sign in.</p>"
_NOT_BUILT = "<p>This installation came without its page. In a checkout: <code>make page</code>, and start again.</p>"
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)  # fmt: skip
_STYLE = """\
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 36rem; margin: 12vh auto; padding: 0 1rem }
pre { padding: .8em; white-space: pre-wrap; overflow-wrap: anywhere }
pre { border-radius: .3em; background: color-mix(in srgb, currentColor 8%, transparent) }
code { padding: .1em .3em; border-radius: .2em; background: color-mix(in srgb, currentColor 12%, transparent) }
"""


def html_page(title: str, body: str, status: int = 200, *, refresh: str | None = None) -> HTMLResponse:
    """Build a page around ``body``, which is HTML. ``refresh``: the browser goes on by itself, as in the tag of that name."""
    again = "" if refresh is None else f'<meta http-equiv="refresh" content="{escape(refresh)}">'
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · easymaker-local</title>'
        f'<meta name="viewport" content="width=device-width">{again}<style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return HTMLResponse(text, status, {"content-security-policy": _POLICY})


def _state(request: Request) -> tuple[Credentials, Settings]:
    return request.app.state.credentials, request.app.state.services.context.settings


async def show_page(request: Request) -> Response:
    """Show the page; it says itself how to sign in, where nobody is signed in yet."""
    credentials, settings = _state(request)
    secret = session_of(request.headers, settings)
    is_signed_in = secret is not None and await credentials.is_session(secret)
    found = page_files.document(200 if is_signed_in else 401)
    return found or html_page("The page is not here", _NOT_BUILT, 404)


router.add_api_route("/", show_page, methods=["GET"])
for _part in sorted(page_files.PAGE_PARTS):
    router.add_api_route(f"/{_part}", show_page, methods=["GET"])
    router.add_api_route(f"/{_part}/{{rest:path}}", show_page, methods=["GET"])


@router.get("/assets/{name}")
async def show_asset(request: Request, name: str) -> Response:
    """Show a script, a style or a picture of the page."""
    found = page_files.asset(request, name)
    if found is None:
        raise HTTPException(404)
    return found


@router.get("/login")
async def login(request: Request, code: str = "") -> Response:
    """Take a one-time code and begin a session."""
    credentials, settings = _state(request)
    # Browsers load ahead what somebody only types or points at; that must not use the code up.
    if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
        return Response(status_code=204)
    secret = await credentials.redeem(code)
    if secret is None:
        credentials.failures.count()
        return html_page(
            "This link does not work", "<p>It was used already, has expired, or is incomplete.</p>" + _SIGN_IN, 401
        )
    answer: Response
    if request.headers.get("sec-fetch-site", "none") in {"none", "same-origin"}:
        answer = RedirectResponse("/", 303)
    else:
        # Reached by a link on another page or a file: SameSite=Strict would keep the cookie back on a redirection.
        # So the page goes on by itself; a redirection would still count as the other page's request.
        answer = html_page("Signed in", '<p><a href="/">Go on</a></p>', refresh="0;url=/")
    answer.set_cookie(
        session_cookie(settings), secret, max_age=int(SESSION_SECONDS), httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return answer


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session."""
    credentials, settings = _state(request)
    secret = session_of(request.headers, settings)
    if secret is not None:
        if not is_same_origin(request.scope, request.headers):
            return html_page("Not signed out", "<p>Other web pages cannot sign you out.</p>", 403)
        await credentials.end_session(secret)
    answer = html_page("Signed out", _SIGN_IN)
    answer.delete_cookie(session_cookie(settings), httponly=True, samesite="strict")
    return answer
