"""Routes of endpoints: a list for each stage, found by the longest beginning of the path (EP-L01, EP-L03).

Each list ends with an answer of its own, so nothing below a stage reaches another one. A request's path comes as it was sent:
Envoy changes nothing about it, because names of objects in the storage may hold anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from easymaker_local.domain.gateway import RESERVED_NAMES, Api, ApiKey, GatewayService, GatewayStage, RoutedModel
from easymaker_local.gateway.paths import model_paths, quoted, spelled_path, spellings
from easymaker_local.gateway.resources import (
    APPS_CLUSTER,
    BODY_FILTER,
    HOLD_CLUSTER,
    HOLD_FILTER,
    INFERENCE_ID,
    METADATA,
    ROUTES,
    SIZE_FILTER,
    WHOLE_FILTER,
    Json,
    cluster_name,
    named,
    typed,
)
from easymaker_local.gateway.user_resources import UserResource

API_KEY = "x-nhn-apikey"
GRPC_SERVICE = "/inference.GRPCInferenceService/"
ENDPOINT_KEY, STAGE_KEY, MODEL_KEY = "easymaker-endpoint", "easymaker-stage", "easymaker-model"

# Of a body that is kept for a second try.
_KEPT_BYTES = 8 << 20
_NO_LIMIT = "0s"
_MORE_TRIES = 2
# What the user says to us is nothing for models, which are other people's code.
_NOT_FOR_MODELS = (API_KEY, "cookie", "x-easymaker-token", "x-nhn-authorization", "x-secret-key", "x-auth-token")
_OVERWRITE = "OVERWRITE_IF_EXISTS_OR_ADD"
_MODEL_PATHS = frozenset({"v1", "v2", "openai"})
_BY_BODY = (
    (Api.COMPLETIONS, "(?:/openai)?/v1/completions"),
    (Api.CHAT, "(?:/openai)?/v1/chat/completions"),
    (Api.CUSTOM, "/?"),
)


@dataclass(frozen=True)
class Deployment:
    """What is in force of one stage: its settings and the user's own resources there."""

    stage: GatewayStage
    resources: tuple[UserResource, ...] = ()


@dataclass(frozen=True)
class Site:
    """An endpoint as it is routed: its settings, and which of its stages are in force."""

    service: GatewayService
    deployments: tuple[Deployment, ...]

    @property
    def default(self) -> Deployment | None:
        """The stage that answers where none is named."""
        return next((d for d in self.deployments if d.stage.id == self.service.default_stage_id), None)


def route_configuration(sites: Sequence[Site], hosts: Sequence[str], *, retries: bool) -> Json:
    """Return all routes. ``hosts`` are the names by which the gateway may be asked; other ones are refused."""
    lists: dict[str, list[Json]] = {f"/{name}": [_apps()] for name in RESERVED_NAMES}
    for site in sites:
        lists |= _site_lists(site, retries=retries)
    lists[GRPC_SERVICE] = _grpc_lists(sites, retries=retries)
    own = {
        "name": "own",
        "domains": list(hosts),
        "matcher": {
            "matcher_tree": {
                "input": named("path", "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", header_name=":path"),
                "prefix_match_map": {"map": {path: _listed(found) for path, found in sorted(lists.items())}},
            },
            "on_no_match": _listed([_apps(exactly="/"), _unknown()]),
        },
    }
    foreign = _answer(421, "this host is not served here; names beside loopback are a setting: allowed_hosts")
    return {
        **typed("envoy.config.route.v3.RouteConfiguration"),
        "name": ROUTES,
        "ignore_port_in_host_matching": True,
        "virtual_hosts": [own, {"name": "foreign", "domains": ["*"], "routes": [foreign]}],
    }


def _listed(routes: list[Json]) -> Json:
    return {"action": named("routes", "envoy.config.route.v3.RouteList", routes=routes)}


# As many as there are endpoints by default, before and after a change: a change of one makes only its own anew.
@lru_cache(maxsize=256)
def _site_lists(site: Site, *, retries: bool) -> dict[str, list[Json]]:
    """Return an endpoint's lists by the beginnings of their paths. Nobody changes what is returned."""
    base = f"/{quoted(site.service.name)}"
    routers = [_StageRouter(d, f"{base}/{quoted(d.stage.name)}", retries=retries) for d in site.deployments]
    roots = [route for router in routers for route in router.root()]
    own: list[Json] = []
    below: list[Json] = []
    stage = None
    if site.default is not None:
        default = _StageRouter(site.default, base, retries=retries)
        own, below, stage = default.root(), default.below(), site.default.stage
    names = ", ".join(d.stage.name for d in site.deployments)
    text = f"there is nothing here; the stages of endpoint '{site.service.name}' are: {names or '(none)'}"
    missing = _answer(404, text, stage)
    # Names that only begin like this one come this way too.
    lists = {f"{base}/": [*roots, *below, missing], base: [*own, {**missing, "match": {"path": base}}, _unknown()]}
    for router in routers:
        # Where a stage has the name of what paths of models begin with, those of the default stage lead on.
        more = below if router.stage.name in _MODEL_PATHS else []
        lists[f"{router.base}/"] = [*router.found(), *more, router.missing()]
    if site.service.api_key is not None:
        key = site.service.api_key
        lists[base].insert(0, _no_key(key, stage, {"path": base}))
        lists[f"{base}/"].insert(0, _no_key(key, stage))
        for router in routers:
            lists[f"{router.base}/"].insert(0, _no_key(key, router.stage))
    return lists


class _StageRouter:
    """Makes the routes of a stage below one of its URLs."""

    def __init__(self, deployment: Deployment, base: str, *, retries: bool) -> None:
        self.stage = deployment.stage
        self.base = base
        self._resources = deployment.resources
        self._retries = retries
        self._is_alone = len(self.stage.models) == 1
        self._is_held = any(model.held for model in self.stage.models)

    def root(self) -> list[Json]:
        """``POST`` on the URL itself."""
        match = {"path": self.base, "headers": [_method("POST")]}
        if self._is_alone:
            return [self._to(self.stage.models[0], Api.CUSTOM, match, to="/")]
        return self._by_body(Api.CUSTOM, match, to="/")

    def below(self) -> list[Json]:
        """Everything else, with an answer for what is nothing."""
        return [*self.found(), self.missing()]

    def missing(self) -> Json:
        """The answer for what is nothing."""
        names = ", ".join(model.model_name for model in self.stage.models)
        text = f"there is nothing here; the models of stage '{self.stage.name}' are: {names or '(none)'}"
        return _answer(404, text, self.stage)

    def found(self) -> list[Json]:
        """Everything else that leads somewhere."""
        found = [
            self._to(model, api, self._match(pattern))
            for model in self.stage.models
            for api, pattern in model_paths(model.model_name, is_alone=self._is_alone)
        ]
        for model in self.stage.models:
            pattern = f"/{spellings(model.model_name)}{re.escape(GRPC_SERVICE)}.*"
            found.append(self._to(model, Api.GRPC, self._match(pattern), strip=f"/{spellings(model.model_name)}", grpc=True))
        found += self._at_stage()
        for model in self.stage.models:
            if model.path:
                match = self._match(spelled_path(model.path), "POST")
                found.append(self._to(model, Api.CUSTOM, match, to="/"))
        for resource in self._resources:
            found += self._own(resource)
        return found

    def _at_stage(self) -> list[Json]:
        """Paths that name no model, where there are several."""
        root = {"path": f"{self.base}/", "headers": [_method("POST")]}
        if self._is_alone:
            return [self._to(self.stage.models[0], Api.CUSTOM, root, to="/")]
        listed = json.dumps({"models": [model.model_name for model in self.stage.models]}, ensure_ascii=False)
        found = [
            {
                **_answer(200, listed, self.stage, Api.MODELS),
                "match": self._match("(?:/openai)?/v1/models", "GET"),
            }
        ]
        for api, pattern in _BY_BODY:
            found += self._by_body(api, self._match(pattern, "POST"), to="/" if api is Api.CUSTOM else None)
        return found

    def _by_body(self, api: Api, match: Json, *, to: str | None = None) -> list[Json]:
        """Routes by the body's ``model``. The last one is what a request has first: there the body is read."""
        found = []
        for model in self.stage.models:
            said = {"filter": METADATA, "path": [{"key": "model"}], "value": {"string_match": {"exact": model.model_name}}}
            found.append(self._to(model, api, {**match, "dynamic_metadata": [said]}, to=to, may_hold=self._is_held))
        names = ", ".join(model.model_name for model in self.stage.models)
        text = f'say which model by "model" in the body: {names or "(there is none)"}'
        filters = {BODY_FILTER: _ENABLED, **_size_limit(self.stage, whole=True)}
        if self._is_held:
            filters[HOLD_FILTER] = typed("envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute", disabled=True)
        unsaid = {**_answer(404, text, self.stage), "match": match, "typed_per_filter_config": filters}
        return [*found, unsaid]

    def _own(self, resource: UserResource) -> list[Json]:
        """EP-15: a resource that the user has made."""
        if not self.stage.models:
            return []
        targets = [m for m in self.stage.models if m.model_id == resource.model_id] or list(self.stage.models[:1])
        return [
            self._to(targets[0], Api.CUSTOM, self._match(spelled_path(resource.path), method), to=resource.rewrite)
            for method in resource.methods
        ]

    def _match(self, pattern: str, method: str | None = None) -> Json:
        found: Json = {"safe_regex": {"regex": f"{re.escape(self.base)}{pattern}"}}
        return found if method is None else {**found, "headers": [_method(method)]}

    def _to(
        self,
        model: RoutedModel,
        api: Api,
        match: Json,
        *,
        to: str | None = None,
        strip: str = "",
        grpc: bool = False,
        may_hold: bool = False,
    ) -> Json:
        """Return a route to a model's pods: to the path ``to``, or to what is left without base and ``strip``."""
        pattern = {"pattern": {"regex": f"^{re.escape(self.base)}{strip}"}, "substitution": ""}
        rewrite: Json = {"regex_rewrite": pattern} if to is None else {"prefix_rewrite": to}
        return {
            **_model_route(self.stage, model, api, match, grpc=grpc, may_hold=may_hold, retries=self._retries, rewrite=rewrite)
        }


def _model_route(
    stage: GatewayStage,
    model: RoutedModel,
    api: Api,
    match: Json,
    *,
    grpc: bool,
    may_hold: bool,
    retries: bool,
    rewrite: Json,
) -> Json:
    """Return a route to a model's pods. ``may_hold``: the request has passed a route at which holding was prepared."""
    filters = {} if grpc else _size_limit(stage) | _WHOLE
    if model.held:
        filters[HOLD_FILTER] = _hold(stage, model)
    elif may_hold:
        filters[HOLD_FILTER] = typed("envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute", disabled=True)
    seconds = _NO_LIMIT if not stage.timeout_seconds else f"{stage.timeout_seconds:.3f}s"
    action: Json = {
        "cluster": cluster_name(stage.id, model.model_id, grpc=grpc), "timeout": seconds, "idle_timeout": _NO_LIMIT, **rewrite,
    }  # fmt: skip
    if retries:
        action["retry_policy"] = _RETRY
    return {
        "name": ApiKey(stage.id, model.model_id, api).prefix,
        "match": match,
        "route": action,
        "metadata": _metadata(stage, model),
        "typed_per_filter_config": filters,
        "request_body_buffer_limit": _KEPT_BYTES,
        "request_headers_to_remove": list(_NOT_FOR_MODELS),
        "response_headers_to_add": [
            _header(INFERENCE_ID, "%REQ(X-REQUEST-ID)%"),
            # A model's answer must not act as a page of this origin, which TensorBoard's is.
            _header("content-security-policy", "sandbox"),
            _header("x-content-type-options", "nosniff"),
        ],
        "response_headers_to_remove": ["set-cookie"],
    }


_ENABLED = typed("envoy.config.route.v3.FilterConfig", config={})
_WHOLE = {WHOLE_FILTER: _ENABLED}

# An inference says nothing but what follows from the request, so asking again is safe as long as nothing was answered.
_RETRY: Json = {
    "retry_on": "connect-failure,refused-stream,reset",
    "num_retries": _MORE_TRIES,
    "retry_host_predicate": [
        named(
            "envoy.retry_host_predicates.previous_hosts",
            "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        )
    ],
    # A dead pod has the fewest requests, so that it is the one to be chosen again and again.
    "host_selection_retry_max_attempts": "50",
    "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
}


def _grpc_lists(sites: Sequence[Site], *, retries: bool) -> list[Json]:
    """Routes of gRPC's calls by their metadata; a stage or model that is not named is the default one or the only one."""
    found: list[Json] = []
    for site in sites:
        endpoint = _named(ENDPOINT_KEY, site.service.name)
        if site.service.api_key is not None:
            default = None if site.default is None else site.default.stage
            found.append(_no_key(site.service.api_key, default, None, endpoint))
        for deployment in site.deployments:
            stage = deployment.stage
            stages = [_named(STAGE_KEY, stage.name)]
            if deployment is site.default:
                stages.append(_absent(STAGE_KEY))
            for model in stage.models:
                models = [_named(MODEL_KEY, model.model_name), *([_absent(MODEL_KEY)] if len(stage.models) == 1 else [])]
                found += [
                    _model_route(
                        stage, model, Api.GRPC, {"prefix": GRPC_SERVICE, "headers": [endpoint, by_stage, by_model]},
                        grpc=True, may_hold=False, retries=retries, rewrite={},
                    )
                    for by_stage in stages
                    for by_model in models
                ]  # fmt: skip
            text = f"say which model by the metadata {MODEL_KEY}"
            found += [
                {**_answer(404, text, stage), "match": {"prefix": "/", "headers": [endpoint, by_stage]}} for by_stage in stages
            ]
    return [*found, _answer(404, f"say which endpoint by the metadata {ENDPOINT_KEY}, and {STAGE_KEY} if need be")]


def _hold(stage: GatewayStage, model: RoutedModel) -> Json:
    service = {
        "server_uri": {"uri": "http://hold", "cluster": HOLD_CLUSTER, "timeout": f"{stage.hold_seconds + 10:.3f}s"},
        "path_override": f"/{quoted(stage.id)}/{quoted(model.model_id)}/{stage.hold_seconds}",
    }
    name = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute"
    return typed(name, check_settings={"http_service": service})


def _size_limit(stage: GatewayStage, *, whole: bool = False) -> Json:
    """Return the limit of bodies. ``whole``: so much is kept before it goes on; other limits of what is kept are smaller."""
    limit = named(
        "envoy.filters.http.body_size_limit",
        "envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit",
        max_request_bytes=stage.maximum_request_bytes,
    )
    name = "envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute"
    keep = named(
        "envoy.filters.http.buffer",
        "envoy.extensions.filters.http.buffer.v3.Buffer",
        max_request_bytes=stage.maximum_request_bytes,
    )
    return {SIZE_FILTER: typed(name, filter_chain={"filters": [limit, keep] if whole else [limit]})}


def _metadata(stage: GatewayStage, model: RoutedModel | None) -> Json:
    about: Json = {"stage": stage.id, "model": "" if model is None else model.model_name}
    if stage.log:
        about["log"] = True
    return {"filter_metadata": {METADATA: about}}


def _no_key(key: str, stage: GatewayStage | None, match: Json | None = None, *headers: Json) -> Json:
    """GW-L05: the answer to a request without the right key."""
    # Where the header is missing nothing else would match, neither the key nor the opposite.
    missing: Json = {"treat_missing_header_as_empty": True}
    other = {"name": API_KEY, "string_match": {"exact": key}, "invert_match": True, **missing}
    answer = _answer(401, f"the header {API_KEY} is missing or wrong", stage)
    return {**answer, "match": {**(match or {"prefix": "/"}), "headers": [*headers, other]}}


def _answer(status: int, text: str, stage: GatewayStage | None = None, api: Api = Api.OTHER) -> Json:
    """Return a route that answers by itself whatever is asked; counted and logged for a stage if there is one."""
    route = {
        "name": "" if stage is None else ApiKey(stage.id, "", api).prefix,
        "match": {"prefix": "/"},
        "direct_response": {"status": status, "body": {"inline_string": text}},
        "typed_per_filter_config": _WHOLE,
    }
    return route if stage is None else {**route, "metadata": _metadata(stage, None)}


def _unknown() -> Json:
    return _answer(404, "there is no such endpoint")


def _apps(*, exactly: str | None = None) -> Json:
    """Return the route to what the daemon itself serves, without limits."""
    return {
        "name": "apps",
        "match": {"prefix": "/"} if exactly is None else {"path": exactly},
        "route": {"cluster": APPS_CLUSTER, "timeout": _NO_LIMIT, "idle_timeout": _NO_LIMIT},
    }


def _header(name: str, value: str) -> Json:
    return {"append_action": _OVERWRITE, "header": {"key": name, "value": value}}


def _method(name: str) -> Json:
    return {"name": ":method", "string_match": {"exact": name}}


def _named(header: str, name: str) -> Json:
    return {"name": header, "string_match": {"safe_regex": {"regex": spellings(name)}}}


def _absent(header: str) -> Json:
    return {"name": header, "present_match": False}
