"""What answers about endpoints carry (rest-api §6.10), and our additions."""

from __future__ import annotations

from pydantic import Field

from easymaker_local.api.endpoint_stage_models import EndpointStageView, broken_reason, deploy_status_of, site_of
from easymaker_local.api.envelope import Envelope, ListAnswer, Wire
from easymaker_local.api.models import BROKEN, StatusReason, StorageSize, TagView, iso
from easymaker_local.domain.endpoint_urls import endpoint_path
from easymaker_local.domain.quarantine import Quarantined
from easymaker_local.kit.clock import to_iso
from easymaker_local.services.endpoint_views import ShownEndpoint
from easymaker_local.settings import Settings


class DefaultStageChangeView(Wire):
    """A change of the default stage that is under way."""

    endpoint_stage_id: str
    endpoint_stage_status_code: str
    stop_first: bool


class EndpointView(Wire):
    """Endpoint (§6.10). ``apigwDefaultStageUrl`` stays the same when another stage becomes the default one (EP-L01, EP-35).

    ``deployStatus`` is the API Gateway status of the default stage (EP-20). ``isClusterLatest`` false: a stage runs on an
    outdated runtime version, until ``expiredDatetime`` (EP-21, UP-06).
    """

    endpoint_id: str
    endpoint_name: str
    endpoint_status_code: str
    status_reason: StatusReason | None
    description: str | None
    app_key: str
    created_datetime: str | None
    apigw_app_key: str
    apigw_region: str
    apigw_service_id: str
    apigw_default_stage_url: str
    deploy_status: str | None
    api_key_enable: bool
    image: None = None
    boot_storage: StorageSize | None = None
    data_storage_list: list[StorageSize] = Field(default_factory=list)
    is_cluster_latest: bool
    expired_datetime: str | None
    default_stage_change: DefaultStageChangeView | None
    endpoint_stage_list: list[EndpointStageView]
    tag_list: list[TagView]
    is_finished: bool

    @classmethod
    def of(cls, shown: ShownEndpoint, settings: Settings) -> EndpointView:
        """Show an endpoint."""
        endpoint, default = shown.endpoint, shown.default_stage
        expiries = [stage.expires_at for stage in shown.stages if stage.expires_at is not None]
        return cls(
            endpoint_id=endpoint.id, endpoint_name=endpoint.name, endpoint_status_code=endpoint.status,
            status_reason=StatusReason.of(endpoint.cause), description=endpoint.description, app_key=settings.appkey,
            created_datetime=to_iso(endpoint.created_at), apigw_app_key=settings.appkey, apigw_region=settings.region,
            apigw_service_id=endpoint.id, apigw_default_stage_url=site_of(settings) + endpoint_path(endpoint.name),
            deploy_status=None if default is None else deploy_status_of(default.deployed),
            api_key_enable=endpoint.sealed_api_key is not None, is_cluster_latest=shown.is_latest,
            expired_datetime=iso(min(expiries)) if expiries else None, default_stage_change=_change(shown),
            endpoint_stage_list=[EndpointStageView.of(stage, settings) for stage in shown.stages],
            tag_list=[TagView(tag_key=tag["tagKey"], tag_value=tag["tagValue"]) for tag in endpoint.tags],
            is_finished=endpoint.status.is_finished,
        )  # fmt: skip

    @classmethod
    def of_broken(cls, broken: Quarantined, settings: Settings) -> EndpointView:
        """Show what is known of an endpoint whose record cannot be read."""
        return cls(
            endpoint_id=broken.id, endpoint_name=broken.name, endpoint_status_code=BROKEN, status_reason=broken_reason(broken),
            description=None, app_key=settings.appkey, created_datetime=iso(broken.created_at), apigw_app_key=settings.appkey,
            apigw_region=settings.region, apigw_service_id=broken.id, apigw_default_stage_url="", deploy_status=None,
            api_key_enable=False, is_cluster_latest=True, expired_datetime=None, default_stage_change=None,
            endpoint_stage_list=[], tag_list=[], is_finished=broken.is_finished,
        )  # fmt: skip


class EndpointAnswer(Envelope):
    """One endpoint."""

    endpoint: EndpointView


class CreatedEndpointAnswer(EndpointAnswer):
    """A new endpoint; ``apiKey`` is what calls need in the header ``x-nhn-apikey``, null if they need none."""

    api_key: str | None


class EndpointListAnswer(ListAnswer):
    """Endpoints."""

    endpoint_list: list[EndpointView]


class ApiKeyView(Wire):
    """The key of an endpoint; null: calls need none."""

    api_key: str | None


class ApiKeyAnswer(Envelope):
    """What calls need in the header ``x-nhn-apikey``."""

    endpoint_api_key: ApiKeyView


def endpoint_view(found: ShownEndpoint | Quarantined, settings: Settings) -> EndpointView:
    """Show an endpoint, or what is known of one whose record cannot be read."""
    if isinstance(found, Quarantined):
        return EndpointView.of_broken(found, settings)
    return EndpointView.of(found, settings)


def _change(shown: ShownEndpoint) -> DefaultStageChangeView | None:
    change = shown.endpoint.change
    if change is None:
        return None
    status = next((str(stage.stage.status) for stage in shown.stages if stage.stage.id == change.stage_id), BROKEN)
    return DefaultStageChangeView(
        endpoint_stage_id=change.stage_id, endpoint_stage_status_code=status, stop_first=change.stop_first
    )
