"""What becomes of endpoints, stages and stage resources: an answer for every status, and only the diagrams' transitions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easymaker_local.domain.endpoint import (
    ENDPOINT_TRANSITIONS,
    RESOURCE_TRANSITIONS,
    STAGE_TRANSITIONS,
    DefaultChange,
    Endpoint,
    EndpointStatus,
    Pod,
    PodState,
    ResourceStatus,
    Stage,
    StageResource,
    StageStatus,
    Wish,
)
from easymaker_local.domain.endpoint_spec import ResourceSpec, StageSettings
from easymaker_local.domain.flavor import Flavor
from easymaker_local.domain.gateway import Deployed, GatewayStatus
from easymaker_local.domain.ledger import Amount
from easymaker_local.domain.pods import CREATION_TRIES
from easymaker_local.domain.reason import Cause, Reason
from easymaker_local.domain.stage import (
    ResourceFacts,
    StageFacts,
    Step,
    decide_endpoint,
    decide_resource,
    decide_stage,
)

E, S, R, P = EndpointStatus, StageStatus, ResourceStatus, PodState
NOW = 1000.0
BAD = Cause(Reason.EXIT_CODE, "It ended with exit code 1.")
SPEC = StageSettings.model_validate({"flavorId": "f", "endpointModelResourceList": [{"modelId": "m"}]})
RESOURCE = StageResource("r", "s", "e", "m", ResourceSpec(model_id="m"), Amount(1, 1), R.ACTIVE, Wish.SERVE, None, 1, 0.0)
STAGE = Stage(
    "s", "e", "default", SPEC, Flavor(name="f", vcpus=1, memory_mib=1024), S.ACTIVE, Wish.SERVE, None, 1, "v", 1, 1, 0.0
)
ENDPOINT = Endpoint("e", "shop", None, (), None, E.ACTIVE, Wish.SERVE, None, "s", None, 0.0)
POD = Pod("p", "s", "r", 0, P.READY, 0.0, node="node-0")

causes = st.sampled_from([None, BAD, Cause(Reason.NEVER_FITS, "Too large."), Cause(Reason.WAITING_FOR_RESOURCES, "Waits.")])
gateways = st.one_of(st.none(), st.builds(Deployed, st.sampled_from(GatewayStatus)))
resources = st.builds(
    lambda status, wish, cause: replace(RESOURCE, status=status, wish=wish, cause=cause),
    st.sampled_from(ResourceStatus), st.sampled_from(Wish), causes,
)  # fmt: skip
stage_facts = st.builds(StageFacts, causes, causes, st.booleans(), causes, gateways, causes, causes)
pods = st.builds(
    lambda state, node, failures, reason: replace(
        POD, state=state, node=node, failures=failures, reason=reason, message=None if reason is None else "words"
    ),
    st.sampled_from(PodState), st.sampled_from([None, "node-0"]), st.integers(0, 5),
    st.sampled_from([None, Reason.EXIT_CODE, Reason.INPUT_MISSING]),
)  # fmt: skip


@given(st.sampled_from(StageStatus), st.sampled_from(Wish), st.lists(resources, max_size=3), stage_facts)
def test_a_stage_has_an_answer_for_everything(
    status: StageStatus, wish: Wish, found: list[StageResource], facts: StageFacts
) -> None:
    """ST-22; a wish to delete moves every status but DELETE IN PROGRESS towards it."""
    step = decide_stage(replace(STAGE, status=status, wish=wish), found, facts)
    assert step.to is None or S(step.to) in STAGE_TRANSITIONS[status]
    if wish is Wish.DELETE and status is not S.DELETE_IN_PROGRESS:
        assert step.to in {S.DELETE_IN_PROGRESS, S.CREATE_FAILED, S.DEPLOY_FAILED}


@given(
    st.sampled_from(ResourceStatus), st.sampled_from(Wish), st.lists(pods, max_size=3), st.integers(0, 2),
    st.builds(ResourceFacts, causes, causes, causes, st.booleans(), st.booleans()), st.sampled_from([None, NOW - 1, NOW + 1]),
)  # fmt: skip
def test_a_resource_has_an_answer_for_everything(
    status: ResourceStatus, wish: Wish, found: list[Pod], wanted: int, facts: ResourceFacts, deadline: float | None
) -> None:
    """SR-20…SR-23; ACTIVE only with every wanted pod ready."""
    resource = replace(RESOURCE, status=status, wish=wish, wanted_pods=wanted, deadline=deadline)
    step = decide_resource(resource, found, facts, NOW)
    assert step.to is None or R(step.to) in RESOURCE_TRANSITIONS[status]
    if step.to == R.ACTIVE:
        assert sum(pod.state is P.READY for pod in found) >= wanted
    if step.to == R.CREATE_FAILED:
        assert step.cause is not None and step.cause.message


stages_ = st.builds(
    lambda status, wish, cause, is_default: replace(
        STAGE, id="s" if is_default else "other", status=status, wish=wish, cause=cause
    ),
    st.sampled_from(StageStatus), st.sampled_from(Wish), causes, st.booleans(),
)  # fmt: skip


@given(
    st.sampled_from(EndpointStatus), st.sampled_from(Wish), st.lists(stages_, max_size=3),
    st.sampled_from([None, DefaultChange("other"), DefaultChange("other", True)]),
)  # fmt: skip
def test_an_endpoint_has_an_answer_for_everything(
    status: EndpointStatus, wish: Wish, found: list[Stage], change: DefaultChange | None
) -> None:
    """EP-29, and after at most two steps EP-30."""
    endpoint = replace(ENDPOINT, status=status, wish=wish, change=change)
    step = decide_endpoint(endpoint, found)
    assert step.to is None or E(step.to) in ENDPOINT_TRANSITIONS[status]
    if wish is Wish.DELETE or status not in {E.ACTIVE, E.UPDATE_IN_PROGRESS, E.UPDATE_FAILED}:
        return
    for _ in range(2):
        if step.to is None:
            break
        endpoint = replace(endpoint, status=E(step.to))
        step = decide_endpoint(endpoint, found)
    assert step.to is None
    assert endpoint.status is by_hand([stage.status for stage in found], change, [stage.wish for stage in found])


def by_hand(found: list[StageStatus], change: DefaultChange | None, wishes: list[Wish]) -> EndpointStatus:
    """EP-30, said once more."""
    under_way = {S.CREATE_REQUESTED, S.CREATE_IN_PROGRESS, S.DEPLOY_IN_PROGRESS, S.DELETE_IN_PROGRESS}
    if change is not None or Wish.DELETE in wishes or under_way & set(found):
        return E.UPDATE_IN_PROGRESS
    return E.UPDATE_FAILED if {S.CREATE_FAILED, S.DEPLOY_FAILED} & set(found) else E.ACTIVE


ACTIVE = Deployed(GatewayStatus.ACTIVE)
FAILED = replace(RESOURCE, status=R.CREATE_FAILED, cause=BAD)
CREATING = replace(RESOURCE, status=R.CREATE_IN_PROGRESS)
NEVER = Cause(Reason.NEVER_FITS, "Too large.")


@pytest.mark.parametrize(
    ("status", "found", "facts", "step"),
    [
        (S.CREATE_REQUESTED, [CREATING], StageFacts(environment=BAD, is_booked=True), Step(cause=BAD)),
        (S.CREATE_REQUESTED, [CREATING], StageFacts(failed=BAD), Step(S.CREATE_FAILED, BAD)),
        (S.CREATE_REQUESTED, [CREATING], StageFacts(admission=NEVER), Step(S.CREATE_FAILED, NEVER)),
        (S.CREATE_REQUESTED, [CREATING], StageFacts(is_booked=True), Step(S.CREATE_IN_PROGRESS)),
        (S.CREATE_IN_PROGRESS, [CREATING], StageFacts(refused=BAD), Step(S.CREATE_FAILED, BAD)),
        (S.CREATE_IN_PROGRESS, [CREATING], StageFacts(), Step()),
        (S.CREATE_IN_PROGRESS, [CREATING], StageFacts(gateway=ACTIVE), Step(S.DEPLOY_IN_PROGRESS)),
        (
            S.CREATE_IN_PROGRESS, [CREATING], StageFacts(gateway=Deployed(GatewayStatus.STAGE_DEPLOY_FAIL)),
            Step(S.DEPLOY_IN_PROGRESS),
        ),
        (S.DEPLOY_IN_PROGRESS, [RESOURCE, CREATING], StageFacts(gateway=ACTIVE), Step()),
        (S.DEPLOY_IN_PROGRESS, [RESOURCE, FAILED], StageFacts(gateway=ACTIVE), Step(S.DEPLOY_FAILED, BAD)),
        (S.DEPLOY_IN_PROGRESS, [RESOURCE], StageFacts(gateway=ACTIVE), Step(S.ACTIVE)),
        (
            S.DEPLOY_IN_PROGRESS, [RESOURCE], StageFacts(gateway=Deployed(GatewayStatus.STAGE_DEPLOY_FAIL, message="no")),
            Step(cause=Cause(Reason.GATEWAY_FAILED, "The API gateway has it as STAGE DEPLOY FAIL. no")),
        ),
        (
            S.DEPLOY_IN_PROGRESS, [RESOURCE], StageFacts(gateway=Deployed(GatewayStatus.NOT_FOUND_STAGE)),
            Step(S.DEPLOY_FAILED, Cause(Reason.GATEWAY_FAILED, "The API gateway has it as NOT FOUND: STAGE.")),
        ),
        (S.ACTIVE, [RESOURCE, CREATING], StageFacts(gateway=ACTIVE), Step(S.DEPLOY_IN_PROGRESS)),
        (S.ACTIVE, [replace(RESOURCE, wish=Wish.DELETE)], StageFacts(gateway=ACTIVE), Step(S.DEPLOY_IN_PROGRESS)),
        (S.ACTIVE, [RESOURCE], StageFacts(remark=BAD), Step(cause=BAD)),
    ],
)  # fmt: skip
def test_ways_of_a_stage(status: StageStatus, found: list[StageResource], facts: StageFacts, step: Step) -> None:
    """ST-22, ST-L01, SR-25, GW-04, EP-17."""
    assert decide_stage(replace(STAGE, status=status), found, facts) == step


def test_a_deleted_stage_fails_first_where_the_diagram_has_no_shorter_way() -> None:
    """ST-22: CREATE and DEPLOY IN PROGRESS never become DELETE IN PROGRESS directly."""
    for status in S:
        stage, seen = replace(STAGE, status=status, wish=Wish.DELETE), [status]
        while stage.status is not S.DELETE_IN_PROGRESS:
            step = decide_stage(stage, [RESOURCE], StageFacts())
            assert step.to is not None
            assert S(step.to) in STAGE_TRANSITIONS[stage.status]
            stage = replace(stage, status=S(step.to))
            seen.append(stage.status)
        assert len(seen) <= 3


def test_creation_gives_up_after_some_failures_and_at_once_where_trying_is_useless() -> None:
    """SR-22: crash and missing artifact."""
    crashed = replace(POD, state=P.WAITING, failures=CREATION_TRIES, reason=Reason.EXIT_CODE, message="1")
    assert decide_resource(CREATING, [crashed], ResourceFacts(), NOW).to == R.CREATE_FAILED
    once = replace(crashed, failures=1)
    assert decide_resource(CREATING, [once], ResourceFacts(), NOW) == Step(cause=once.cause)
    missing = replace(once, reason=Reason.INPUT_MISSING)
    assert decide_resource(CREATING, [missing], ResourceFacts(), NOW).to == R.CREATE_FAILED
    late = replace(CREATING, deadline=NOW)
    step = decide_resource(late, [replace(POD, state=P.STARTING)], ResourceFacts(), NOW)
    assert (step.to, step.cause) == (R.CREATE_FAILED, Cause(Reason.TIME_LIMIT, "0 of 1 pods were ready in time."))


def test_a_crash_loop_is_told_beside_active() -> None:
    """SR-14, SR-L03: the status stays, the reason says how many answer and why the others do not."""
    bad = replace(POD, id="q", number=1, state=P.WAITING, failures=4, reason=Reason.EXIT_CODE, message="exit code 1")
    step = decide_resource(RESOURCE, [POD, bad], ResourceFacts(), NOW)
    assert step == Step(cause=Cause(Reason.EXIT_CODE, "1 of 2 pods answer. Pod 1: exit code 1"))
