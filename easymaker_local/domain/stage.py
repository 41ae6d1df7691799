"""What happens next to a stage and to a stage resource (ST-22, SR-20…SR-23, ST-L01, EP-29). Pure; controllers act.

A wish to delete is met at once, on the ways that the diagrams have: what is being made fails first ("deleted by the user").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from easymaker_local.domain.endpoint import (
    DELETED,
    Endpoint,
    EndpointStatus,
    Pod,
    ResourceStatus,
    Stage,
    StageResource,
    StageStatus,
    Wish,
    status_by_stages,
)
from easymaker_local.domain.gateway import Deployed, GatewayStatus
from easymaker_local.domain.pods import CREATION_TRIES, FINAL_REASONS, live, ready
from easymaker_local.domain.reason import Cause, Reason

E, S, R = EndpointStatus, StageStatus, ResourceStatus


@dataclass(frozen=True)
class StageFacts:
    """What was found. ``environment``: what is still being prepared; ``failed``: why nothing of it can ever be served.

    ``admission``: why there is no node yet. ``gateway``: how its stage stands there, None: it was not told yet; ``refused``: it
    takes no more (EP-17). ``remark``: what is to be said beside a status that stays. ``names``: of models, by stage resource.
    """

    environment: Cause | None = None
    failed: Cause | None = None
    is_booked: bool = False
    admission: Cause | None = None
    gateway: Deployed | None = None
    refused: Cause | None = None
    remark: Cause | None = None
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """What to write: ``to`` None: the status stays, with this cause beside it."""

    to: str | None = None
    cause: Cause | None = None


def decide_stage(stage: Stage, resources: Sequence[StageResource], facts: StageFacts) -> Step:
    """Return what becomes of a stage now; has an answer for every status."""
    is_unwanted = stage.wish is Wish.DELETE
    match stage.status:
        case S.CREATE_REQUESTED:
            return Step(S.CREATE_FAILED, DELETED) if is_unwanted else _requested(facts)
        case S.CREATE_IN_PROGRESS:
            return Step(S.CREATE_FAILED, DELETED) if is_unwanted else _creating(facts)
        case S.DEPLOY_IN_PROGRESS:
            return Step(S.DEPLOY_FAILED, DELETED) if is_unwanted else _deploying(resources, facts)
        case S.ACTIVE:
            if is_unwanted:
                return Step(S.DELETE_IN_PROGRESS)
            return Step(S.DEPLOY_IN_PROGRESS) if _is_under_way(resources) else Step(cause=facts.remark)
        case S.CREATE_FAILED | S.DEPLOY_FAILED:
            return Step(S.DELETE_IN_PROGRESS) if is_unwanted else Step(cause=stage.cause)
        case S.DELETE_IN_PROGRESS:
            return Step(cause=facts.remark)


def _requested(facts: StageFacts) -> Step:
    failure = facts.failed
    if failure is None and facts.admission is not None and facts.admission.reason is Reason.NEVER_FITS:
        failure = facts.admission
    if failure is not None:
        return Step(S.CREATE_FAILED, failure)
    if facts.environment is not None:
        return Step(cause=facts.environment)
    return Step(S.CREATE_IN_PROGRESS) if facts.is_booked else Step(cause=facts.admission)


def _creating(facts: StageFacts) -> Step:
    if facts.refused is not None:
        return Step(S.CREATE_FAILED, facts.refused)
    if facts.gateway is None or facts.gateway.status is GatewayStatus.CREATE_IN_PROGRESS:
        return Step(cause=facts.remark)
    if facts.gateway.status is GatewayStatus.NOT_FOUND_STAGE:
        return Step(S.CREATE_FAILED, cause_of_gateway(facts.gateway))
    return Step(S.DEPLOY_IN_PROGRESS)


def _deploying(resources: Sequence[StageResource], facts: StageFacts) -> Step:
    if facts.gateway is not None and facts.gateway.status is GatewayStatus.NOT_FOUND_STAGE:
        return Step(S.DEPLOY_FAILED, cause_of_gateway(facts.gateway))
    if _is_under_way(resources):
        told = next((resource for resource in resources if resource.cause and not resource.status.is_finished), None)
        return Step(cause=facts.remark or (None if told is None else _named(told, facts)))
    failed = next((resource for resource in resources if resource.status is R.CREATE_FAILED), None)
    if failed is not None:
        return Step(S.DEPLOY_FAILED, _named(failed, facts))
    if facts.refused is not None:
        return Step(cause=facts.refused)
    if facts.gateway is None or facts.gateway.status is not GatewayStatus.ACTIVE:
        return Step(cause=facts.remark if facts.gateway is None else cause_of_gateway(facts.gateway))
    return Step(S.ACTIVE, facts.remark)


def _named(resource: StageResource, facts: StageFacts) -> Cause | None:
    """Return what is said of a stage resource so that it can be said of its stage, and of the endpoint."""
    cause, name = resource.cause, facts.names.get(resource.id)
    if cause is None or name is None:
        return cause
    return Cause(cause.reason, f"Model {name!r}: {cause.message}")


def _is_under_way(resources: Sequence[StageResource]) -> bool:
    return any(not resource.status.is_finished or resource.wish is Wish.DELETE for resource in resources)


def cause_of_gateway(gateway: Deployed) -> Cause:
    """Return what is to be said of a gateway stage that is not in force."""
    words = f" {gateway.message}" if gateway.message else ""
    return Cause(Reason.GATEWAY_FAILED, f"The API gateway has it as {gateway.status}.{words}")


@dataclass(frozen=True)
class ResourceFacts:
    """What was found. ``failed``: why it can never be served; ``preparing``: what is being prepared for it.

    ``unplaceable``: why pods have no place; ``is_hopeless``: they never will. ``is_unwanted``: its stage is being deleted.
    """

    failed: Cause | None = None
    preparing: Cause | None = None
    unplaceable: Cause | None = None
    is_hopeless: bool = False
    is_unwanted: bool = False


def decide_resource(resource: StageResource, pods: Sequence[Pod], facts: ResourceFacts, now: float) -> Step:
    """Return what becomes of a stage resource now; has an answer for every status. ``pods`` are its own."""
    is_unwanted = resource.wish is Wish.DELETE or facts.is_unwanted
    match resource.status:
        case R.CREATE_REQUESTED:
            return Step(R.CREATE_FAILED, DELETED) if is_unwanted else _resource_requested(resource, pods, facts, now)
        case R.CREATE_IN_PROGRESS:
            return Step(R.CREATE_FAILED, DELETED) if is_unwanted else _resource_creating(resource, pods, facts, now)
        case R.ACTIVE:
            return Step(R.DELETE_IN_PROGRESS) if is_unwanted else Step(cause=_trouble(pods) or facts.unplaceable)
        case R.CREATE_FAILED:
            return Step(R.DELETE_IN_PROGRESS) if is_unwanted else Step(cause=resource.cause)
        case R.DELETE_IN_PROGRESS:
            return Step(cause=resource.cause)


def _resource_requested(resource: StageResource, pods: Sequence[Pod], facts: ResourceFacts, now: float) -> Step:
    if facts.failed is not None:
        return Step(R.CREATE_FAILED, facts.failed)
    if facts.preparing is not None:
        return Step(cause=facts.preparing)
    if facts.unplaceable is None:
        is_placed = sum(pod.node is not None for pod in live(pods)) >= resource.wanted_pods
        return Step(R.CREATE_IN_PROGRESS) if is_placed else Step()
    is_late = resource.deadline is not None and now >= resource.deadline
    if facts.is_hopeless or is_late:
        return Step(R.CREATE_FAILED, Cause(Reason.NEVER_FITS, facts.unplaceable.message))
    return Step(cause=facts.unplaceable)


def _resource_creating(resource: StageResource, pods: Sequence[Pod], facts: ResourceFacts, now: float) -> Step:
    there = live(pods)
    for pod in there:
        if pod.cause is not None and (pod.cause.reason in FINAL_REASONS or pod.failures >= CREATION_TRIES):
            return Step(R.CREATE_FAILED, pod.cause)
    if len(ready(there)) >= resource.wanted_pods:
        return Step(R.ACTIVE)
    told = next((pod.cause for pod in there if pod.cause is not None), None) or facts.preparing or facts.unplaceable
    if resource.deadline is not None and now >= resource.deadline:
        words = f"{len(ready(there))} of {resource.wanted_pods} pods were ready in time."
        return Step(R.CREATE_FAILED, Cause(Reason.TIME_LIMIT, f"{words} {told.message}" if told else words))
    return Step(cause=told)


def _trouble(pods: Sequence[Pod]) -> Cause | None:
    """Return what is to be said of pods that fail again and again beside ACTIVE."""
    there = live(pods)
    failing = [pod for pod in there if pod.cause is not None]
    if not failing:
        return None
    worst = max(failing, key=lambda pod: pod.failures)
    assert worst.cause is not None
    words = f"{len(ready(there))} of {len(there)} pods answer. Pod {worst.number}: {worst.cause.message}"
    return Cause(worst.cause.reason, words)


def decide_endpoint(endpoint: Endpoint, stages: Sequence[Stage]) -> Step:
    """Return the endpoint's next status: while it is created by its default stage, afterwards by all (EP-29, EP-30)."""
    is_unwanted = endpoint.wish is Wish.DELETE
    default = next((stage for stage in stages if stage.id == endpoint.default_stage_id), None)
    match endpoint.status:
        case E.CREATE_REQUESTED | E.CREATE_IN_PROGRESS:
            return Step(E.CREATE_FAILED, DELETED) if is_unwanted else _endpoint_creating(endpoint, default)
        case E.CREATE_FAILED:
            return Step(E.DELETE_IN_PROGRESS) if is_unwanted else Step(cause=endpoint.cause)
        case E.UPDATE_IN_PROGRESS if is_unwanted:
            return Step(E.UPDATE_FAILED, DELETED)
        case E.ACTIVE | E.UPDATE_IN_PROGRESS | E.UPDATE_FAILED:
            return Step(E.DELETE_IN_PROGRESS) if is_unwanted else _endpoint_created(endpoint, stages)
        case E.DELETE_IN_PROGRESS:
            return Step(cause=endpoint.cause)


def _endpoint_creating(endpoint: Endpoint, default: Stage | None) -> Step:
    if default is None:
        return Step(E.CREATE_FAILED, Cause(Reason.STAGE_FAILED, "Its default stage is gone."))
    if default.status in {S.CREATE_FAILED, S.DEPLOY_FAILED}:
        return Step(E.CREATE_FAILED, default.cause)
    if endpoint.status is E.CREATE_REQUESTED:
        return Step(cause=default.cause) if default.status is S.CREATE_REQUESTED else Step(E.CREATE_IN_PROGRESS)
    return Step(E.ACTIVE) if default.status is S.ACTIVE else Step(cause=default.cause)


def _endpoint_created(endpoint: Endpoint, stages: Sequence[Stage]) -> Step:
    is_busy = endpoint.change is not None or any(stage.wish is Wish.DELETE for stage in stages)
    to = E.UPDATE_IN_PROGRESS if is_busy else status_by_stages(stage.status for stage in stages)
    failed = next((stage for stage in stages if stage.status in {S.CREATE_FAILED, S.DEPLOY_FAILED}), None)
    cause = None
    if to is E.UPDATE_FAILED and failed is not None:
        words = failed.cause.message if failed.cause else ""
        cause = Cause(Reason.STAGE_FAILED, f"Stage {failed.name!r} is {failed.status}. {words}".strip())
    if to is E.UPDATE_IN_PROGRESS:
        cause = endpoint.cause if endpoint.change is not None and endpoint.status is to else None
    if endpoint.status is to:
        return Step(cause=cause)
    if E.UPDATE_IN_PROGRESS not in {endpoint.status, to}:
        return Step(E.UPDATE_IN_PROGRESS)
    return Step(to, cause)
