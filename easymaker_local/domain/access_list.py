"""Access lists of buckets in Swift's words (OS-L01): ``{tenant id}:{user id}``, comma-separated."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_CHARACTERS = 2048


class Permission(StrEnum):
    """What a list grants, for all files of a bucket (OS-02)."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True)
class Account:
    """Who asks: tenant id and API user id."""

    tenant_id: str
    user_id: str

    def __str__(self) -> str:
        return f"{self.tenant_id}:{self.user_id}"


def entries(text: str) -> list[str]:
    """Return a list's entries."""
    return [entry for entry in (part.strip() for part in text.split(",")) if entry]


def fault(text: str, permission: Permission) -> str | None:
    """Say what is wrong with a list; None if nothing is."""
    if len(text) > MAX_CHARACTERS:
        return f"it has more than {MAX_CHARACTERS} characters"
    for entry in entries(text):
        if entry.startswith("."):
            if permission is Permission.WRITE:
                return f"{entry!r} cannot grant writing"
            if entry != ".rlistings" and not entry.startswith(".r:"):
                return f"{entry!r} is not known"
        elif any(character.isspace() or not character.isprintable() for character in entry):
            return f"{entry!r} is not {{tenant id}}:{{user id}}"
    return None


def grants(text: str, account: Account) -> bool:
    """Tell whether a list names the account: by both ids, with ``*`` for either, by its tenant, or as part of everybody."""
    for entry in entries(text):
        tenant, colon, user = entry.partition(":")
        if entry == ".r:*" or (not colon and tenant in {account.tenant_id, "*"}):
            return True
        if colon and tenant in {account.tenant_id, "*"} and user in {account.user_id, "*"}:
            return True
    return False


def with_account(text: str, account: Account) -> str:
    """Return the list with the account on it."""
    return text if grants(text, account) else ",".join([*entries(text), str(account)])


def without_account(text: str, account: Account) -> str:
    """Return the list without any entry that names the account."""
    return ",".join(entry for entry in entries(text) if not grants(entry, account))
