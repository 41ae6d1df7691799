"""Networks of local processes: loopback ports, handed out once."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from easymaker_local.drivers.base import Address
from easymaker_local.drivers.process_records import open_locked
from easymaker_local.errors import PermanentError, TransientError
from easymaker_local.kit.files import read_json, write_json

LOOPBACK = "127.0.0.1"

PORTS = range(20000, 30000)
"""Below Linux's ephemeral ports, so that no outgoing connection takes a port between handing out and listening."""


class Networks:
    """Ports by network, member and name, one file per network; the lock makes handing out safe across processes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def open(self, name: str, members: Sequence[str], ports: Sequence[str]) -> Mapping[str, Mapping[str, Address]]:
        """See ``Driver.open_network``."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with open_locked(self._directory / "lock", wait=True):
            known: dict[str, dict[str, int]] | None = read_json(self._path(name))
            if known is None:
                taken = self._taken()
                known = {member: {port: _free_port(taken) for port in ports} for member in members}
                write_json(self._path(name), known)
        if known.keys() != set(members) or any(numbers.keys() != set(ports) for numbers in known.values()):
            raise PermanentError(f"Network {name} is open already, with other members or ports.")
        return {
            member: {port: Address(LOOPBACK, number) for port, number in numbers.items()} for member, numbers in known.items()
        }

    def close(self, name: str) -> None:
        """See ``Driver.close_network``."""
        # A daemon that was killed while it wrote has left the new file beside the place that it was for.
        for path in (self._path(name), *self._directory.glob(f".{name}.json.*")):
            path.unlink(missing_ok=True)

    def has_member(self, name: str, member: str | None) -> bool:
        """Say whether the network is open and has this member."""
        return member in (read_json(self._path(name)) or {})

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.json"

    def _taken(self) -> set[int]:
        networks = (read_json(path) or {} for path in self._directory.glob("[!.]*.json"))
        return {number for network in networks for ports in network.values() for number in ports.values()}


def _free_port(taken: set[int]) -> int:
    """Pick a port that no network holds and nobody listens on, and add it to ``taken``."""
    # At random: another installation on this machine, which we cannot see, then hardly ever picks the same.
    for number in random.sample(PORTS, len(PORTS)):
        if number not in taken and _is_free(number):
            taken.add(number)
            return number
    raise TransientError("No port is free on this machine.", delay_seconds=30)


def _is_free(number: int) -> bool:
    with socket.socket() as probe:
        try:
            # On all addresses, because that is where many programs listen; only bound, so nobody can connect.
            probe.bind(("", number))
        except OSError:
            return False
    return True
