"""Admission: all members or none, first come first served, reasons that name who holds what."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.flavor import generate_flavors
from easymaker_local.domain.ledger import NOTHING, Amount, Booking, Waiting, admit
from easymaker_local.domain.reason import Reason

MACHINE = Amount(8000, 16384)
SMALL = Amount(2000, 4096)


def request(count: int = 1, amount: Amount = SMALL, name: str = "t1") -> Waiting:
    return Waiting("training", name, (amount,) * count)


def held(name: str, amount: Amount) -> Booking:
    return Booking("training", name, "node-0", amount)


def test_fits_an_empty_machine() -> None:
    assert admit(request(4), MACHINE, [], []) is None


def test_what_never_fits_says_so() -> None:
    """IT-L03: whatever is booked or waits."""
    cause = admit(request(5), MACHINE, [held("other", MACHINE)], [request(name="first")])
    assert cause is not None
    assert cause.reason is Reason.NEVER_FITS
    assert cause.message == "Needs 10 vCPU and 20 GiB, but this machine offers 8 vCPU and 16 GiB to jobs."


def test_all_nodes_or_none() -> None:
    """IT-L04."""
    cause = admit(request(2), MACHINE, [held("other", Amount(6000, 4096))], [])
    assert cause is not None
    assert cause.reason is Reason.WAITING_FOR_RESOURCES
    assert "2 vCPU and 12 GiB are free, held by training other. Position 1" in cause.message


def test_first_come_first_served_even_if_the_later_one_would_fit() -> None:
    """IT-L04."""
    cause = admit(request(1), MACHINE, [held("other", Amount(6000, 4096))], [request(3, name="first")])
    assert cause is not None
    assert "position 2 in the queue, behind training first" in cause.message


amounts = st.builds(Amount, st.integers(0, 5000), st.integers(0, 9000))


@given(st.lists(amounts, max_size=6), st.lists(amounts, min_size=1, max_size=4))
def test_never_more_is_promised_than_there_is(booked: list[Amount], members: list[Amount]) -> None:
    bookings = [held(f"t{i}", amount) for i, amount in enumerate(booked)]
    wanted = Waiting("training", "new", tuple(members))
    if admit(wanted, MACHINE, bookings, []) is None:
        total = sum(booked, NOTHING) + wanted.total
        assert total.fits_into(MACHINE)


def test_flavors_have_the_vendors_names_and_one_for_the_whole_machine() -> None:
    """IT-04, IT-L01, rest-api §6.1: names are unique."""
    flavors = generate_flavors(6, 30_000)
    names = [flavor.name for flavor in flavors]
    assert {"m2.c2m4", "m2.c4m8", "m2.c8m16", "r2.c8m32", "c2.c16m16"} <= set(names)
    assert "m2.c6m29" in names
    assert len(names) == len(set(names))
    sizes = {flavor.name: (flavor.vcpus, flavor.memory_mib) for flavor in flavors}
    assert sizes["m2.c4m8"] == (4, 8192)
