"""Who may use a bucket (area OS): its access lists, and the check that jobs go through before each use.

The owner of the appliance, who has its token, may always do everything; the lists are about the system account, in whose
name jobs run (OS-01, OS-10).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from easymaker_local.artifacts.locations import Address, Kind, parse
from easymaker_local.artifacts.storage import Size, size
from easymaker_local.domain.access_list import Account, Permission, fault, grants, with_account, without_account
from easymaker_local.errors import AccessDenied, FieldError, InvalidRequest, NotFound, StorageError
from easymaker_local.services.context import Context
from easymaker_local.settings import BucketAccess
from easymaker_local.store import bucket_access
from easymaker_local.store.bucket_access import AccessLists

# So many names are counted in about a second.
MOST_COUNTED = 200_000


@dataclass(frozen=True)
class Use:
    """A location that a job will read or write; ``field`` is the wire name of where it was asked for."""

    field: str
    uri: str | None
    permission: Permission


@dataclass(frozen=True)
class BucketView:
    """A bucket's lists, and what they and the setting grant to the system account."""

    container: str
    lists: AccessLists
    is_readable: bool
    is_writable: bool


class Buckets:
    """Access of buckets."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def account(self) -> Account:
        """The system account (OS-09)."""
        return system_account(self._context)

    async def list_all(self) -> list[BucketView]:
        """Return every bucket, sorted."""
        names = await asyncio.to_thread(self._context.storage.containers)
        lists = await self._context.store.read(bucket_access.all_of)
        return [self._view(name, lists.get(name, AccessLists())) for name in names]

    async def get(self, container: str) -> BucketView:
        """Return one; raises NotFound."""
        await self._check_exists(container)
        return self._view(container, await self.lists(container))

    async def lists(self, container: str) -> AccessLists:
        """Return the lists of a bucket, whether it exists or not."""
        return await self._context.store.read(lambda db: bucket_access.get(db, container))

    async def usage(self, container: str) -> Size:
        """Count what a bucket holds, not all of it if that is very much; raises NotFound."""
        await self._check_exists(container)
        address = Address(container, Kind.OBS, container, ())
        return await asyncio.to_thread(lambda: size(self._context.storage.locate(address), max_entries=MOST_COUNTED))

    async def allow(self, container: str, *, read: bool | None, write: bool | None) -> BucketView:
        """Put the system account on a list or take it off; None leaves a list as it is (OS-10)."""
        await self._check_exists(container)

        def change(db: sqlite3.Connection) -> AccessLists:
            lists = bucket_access.get(db, container)
            if read is not None:
                lists = replace(lists, read=_changed(lists.read, self.account, read))
            if write is not None:
                lists = replace(lists, write=_changed(lists.write, self.account, write))
            bucket_access.put(db, container, lists)
            return lists

        return self._view(container, await self._context.store.write(change))

    def check_lists(self, wanted: Mapping[Permission, str | None]) -> None:
        """Raise InvalidRequest if a list is none."""
        for permission, text in wanted.items():
            if text is not None and (problem := fault(text, permission)):
                raise InvalidRequest(f"The {permission} list cannot be used: {problem}.")

    async def set_lists(self, container: str, wanted: Mapping[Permission, str | None]) -> None:
        """Replace lists as written; None takes one away. Raises InvalidRequest, nothing changed then."""
        self.check_lists(wanted)

        def change(db: sqlite3.Connection) -> None:
            lists = bucket_access.get(db, container)
            bucket_access.put(db, container, replace(lists, **{key.value: text for key, text in wanted.items()}))

        if wanted:
            await self._context.store.write(change)

    async def forget(self, container: str) -> None:
        """Drop the lists of a bucket that was deleted."""
        await self._context.store.write(lambda db: bucket_access.forget(db, container))

    async def _check_exists(self, container: str) -> None:
        if container not in await asyncio.to_thread(self._context.storage.containers):
            raise NotFound(f"There is no container {container!r}.")

    def _view(self, container: str, lists: AccessLists) -> BucketView:
        granted = {permission: _is_granted(self._context, lists, permission) for permission in Permission}
        return BucketView(container, lists, granted[Permission.READ], granted[Permission.WRITE])


def system_account(context: Context) -> Account:
    """Return the account in whose name jobs use storage (OS-09)."""
    return Account(context.settings.tenant_id, context.settings.user_id)


async def access_faults(context: Context, uses: Iterable[Use]) -> list[FieldError]:
    """Return what the system account may not do, container and missing permission named (GN-10, OS-11, OS-L01)."""
    lists = await context.store.read(bucket_access.all_of)
    faults = []
    for use in uses:
        try:
            address = None if use.uri is None else parse(use.uri)
        except StorageError:
            continue  # what is wrong with it is said elsewhere
        if address is None or address.kind is not Kind.OBS:
            continue
        if not _is_granted(context, lists.get(address.name, AccessLists()), use.permission):
            message = (
                f"the system account {system_account(context)} has no {use.permission} permission on the container"
                f" {address.name!r}; grant it with: easymaker-local storage access {address.name} --{use.permission} on"
            )
            faults.append(FieldError(use.field, message))
    return faults


async def check_access(context: Context, uses: Iterable[Use]) -> None:
    """Raise AccessDenied if the system account lacks a permission now."""
    faults = await access_faults(context, uses)
    if faults:
        raise AccessDenied(". ".join(f"{fault.message[:1].upper()}{fault.message[1:]}" for fault in faults) + ".")


def _is_granted(context: Context, lists: AccessLists, permission: Permission) -> bool:
    text = lists.read if permission is Permission.READ else lists.write
    if text is not None:
        return grants(text, system_account(context))
    match context.settings.bucket_access:
        case BucketAccess.READ_WRITE:
            return True
        case BucketAccess.READ:
            return permission is Permission.READ
        case BucketAccess.NONE:
            return False


def _changed(text: str | None, account: Account, allowed: bool) -> str:
    return with_account(text or "", account) if allowed else without_account(text or "", account)
