"""Envoy's resources that do not depend on endpoints' routes: bootstrap, listeners, clusters, endpoints, the certificate.

Everything is plain JSON of Envoy's API, version 3. Sockets are addressed from the home directory, in which Envoy runs: the
address of a socket file has 107 bytes at most, the path of a home may have more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easymaker_local.domain.gateway import Backend, GatewayStage, RoutedModel

Json = dict[str, Any]

ROUTES = "routes"
APPS_CLUSTER, HOLD_CLUSTER = "apps", "hold"
INFERENCE_ID = "x-easymaker-inference-id"
METADATA = "easymaker"
COUNTED_SCOPE, COUNTED = "inference", "answers"
ROUTE_TAG, CODE_TAG = "easymaker_route", "easymaker_code"

HOLD_FILTER = "envoy.filters.http.ext_authz"
SIZE_FILTER = "envoy.filters.http.filter_chain"
WHOLE_FILTER = "envoy.filters.http.composite"
BODY_FILTER = "envoy.filters.http.json_to_metadata"

# Upper bounds in ms of the histograms of answers' durations.
BUCKETS = (
    1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 10000, 20000, 30000,
    60000, 120000, 300000, 600000, 1800000, 3600000,
)  # fmt: skip

_CONNECTIONS = 50_000
_EVER = "0s"
_CONNECT = "2s"
_POOL_IDLE = "60s"
# A pod that refuses this often in a row is passed over for a while; the last one never is.
_REFUSALS = 3
_EJECTION, _EJECTION_LOOK = "5s", "2s"
_WINDOW_BYTES = 1 << 20
_RETRY_AFTER = "1"


def typed(message: str, /, **fields: Any) -> Json:
    """Return a message that says its type."""
    return {"@type": f"type.googleapis.com/{message}", **fields}


def named(name: str, message: str, /, **fields: Any) -> Json:
    """Return an extension's configuration."""
    return {"name": name, "typed_config": typed(message, **fields)}


@dataclass(frozen=True)
class Layout:
    """Where the gateway keeps what, below the home directory."""

    home: Path

    @property
    def root(self) -> Path:
        """All of it."""
        return self.home / "gateway"

    @property
    def envoy(self) -> Path:
        """Envoy's files."""
        return self.root / "envoy"

    @property
    def bootstrap(self) -> Path:
        """What Envoy is started with."""
        return self.envoy / "bootstrap.json"

    @property
    def run(self) -> Path:
        """Sockets between Envoy and us."""
        return self.root / "run"

    @property
    def admin(self) -> Path:
        """Envoy's administration."""
        return self.run / "admin.sock"

    @property
    def apps(self) -> Path:
        """Where the daemon serves what else is behind the port."""
        return self.run / "apps.sock"

    @property
    def hold(self) -> Path:
        """Where Envoy asks whether a request may go on."""
        return self.run / "hold.sock"

    @property
    def log(self) -> Path:
        """Envoy's own log."""
        return self.home / "logs" / "gateway" / "envoy.log"

    @property
    def access_log(self) -> Path:
        """A line for each request to a stage that logs (LG-L04)."""
        return self.home / "logs" / "gateway" / "access.log"

    def file(self, name: str) -> Path:
        """Return a file of resources."""
        return self.envoy / f"{name}.json"

    def relative(self, path: Path) -> str:
        """Return a path as seen from the home."""
        return str(path.relative_to(self.home))


def cluster_name(stage_id: str, model_id: str, *, grpc: bool = False) -> str:
    """Return the name of a model's pods."""
    return f"{stage_id}~{model_id}{'~grpc' if grpc else ''}"


def bootstrap(layout: Layout) -> Json:
    """Return what Envoy starts with."""
    return {
        "admin": {"address": _pipe(layout.relative(layout.admin), 0o600)},
        "dynamic_resources": {
            "lds_config": _from_file(layout.file("listeners")),
            "cds_config": _from_file(layout.file("clusters")),
        },
        "static_resources": {
            "clusters": [
                _local_cluster(APPS_CLUSTER, layout.relative(layout.apps)),
                _local_cluster(HOLD_CLUSTER, layout.relative(layout.hold)),
            ]
        },
        "overload_manager": {
            "resource_monitors": [
                named(
                    "envoy.resource_monitors.global_downstream_max_connections",
                    "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                    max_active_downstream_connections=_CONNECTIONS,
                )
            ]
        },
        # Histograms are merged when we ask, not all the time.
        "stats_flush_on_admin": True,
        "stats_config": {
            "histogram_bucket_settings": [
                {"match": {"prefix": COUNTED_SCOPE}, "buckets": [*map(float, BUCKETS)]}
            ]
        },
        "layered_runtime": {
            "layers": [
                {
                    "name": "static",
                    "static_layer": {
                        # Names of models may have 50 characters of four bytes each.
                        "re2.max_program_size.error_level": 100_000,
                        "re2.max_program_size.warn_level": 100_000,
                    },
                }
            ]
        },
    }  # fmt: skip


def certificate(folder: Path) -> Json:
    """Return the secret: the files of the certificate, which Envoy watches."""
    return typed(
        "envoy.extensions.transport_sockets.tls.v3.Secret",
        name="leaf",
        tls_certificate={
            "certificate_chain": {"filename": str(folder / "leaf.pem")},
            "private_key": {"filename": str(folder / "leaf.key")},
            "watched_directory": {"path": str(folder)},
        },
    )


def listeners(layout: Layout, *, host: str, port: int, http_port: int, pipe: Path) -> list[Json]:
    """Return the listeners: https for everybody and, by the socket file, for containers; http on loopback if it has a port."""
    found = [
        _listener(layout, "https", _address(host, port), secure=True),
        _listener(layout, "jobs", _pipe(layout.relative(pipe), 0o600), secure=True),
    ]
    if http_port:
        found.append(_listener(layout, "http", _address("127.0.0.1", http_port), secure=False))
    return found


def clusters(stage: GatewayStage, model: RoutedModel, backends: Sequence[Backend]) -> list[Json]:
    """Return the two clusters of a model with its pods: HTTP/1.1 with kept connections, and HTTP/2 for gRPC.

    Pods are named here: each file of their own would cost Envoy an inotify instance, of which a user has 128 by default.
    """
    plain_name, grpc_name = cluster_name(stage.id, model.model_id), cluster_name(stage.id, model.model_id, grpc=True)
    found = assignments(stage.id, model.model_id, backends)
    plain: Json = {"http_protocol_options": {}}
    grpc = {"http2_protocol_options": {"initial_stream_window_size": _WINDOW_BYTES, "initial_connection_window_size": 16 << 20}}
    return [
        _pods(plain_name, stage.maximum_requests, plain, found[plain_name]),
        _pods(grpc_name, stage.maximum_requests, grpc, found[grpc_name]),
    ]


def assignments(stage_id: str, model_id: str, backends: Sequence[Backend]) -> Mapping[str, Json]:
    """Return the ``load_assignment`` of a model's two clusters by their names: where its pods are."""
    plain, grpc = cluster_name(stage_id, model_id), cluster_name(stage_id, model_id, grpc=True)
    return {
        plain: _assignment(plain, [(b.host, b.port) for b in backends]),
        grpc: _assignment(grpc, [(b.host, b.grpc_port) for b in backends if b.grpc_port is not None]),
    }


def _assignment(cluster: str, addresses: Iterable[tuple[str, int]]) -> Json:
    found = [{"endpoint": {"address": _address(host, port)}} for host, port in addresses]
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": found}]}


def _from_file(path: Path) -> Json:
    return {"resource_api_version": "V3", "path_config_source": {"path": str(path)}}


def _pipe(path: str, mode: int) -> Json:
    return {"pipe": {"path": path, "mode": mode}}


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port, **({"ipv4_compat": True} if host == "::" else {})}}


def _local_cluster(name: str, pipe: str) -> Json:
    no_limit = {"max_connections": 65536, "max_pending_requests": 65536, "max_requests": 65536}
    endpoint = {"endpoint": {"address": {"pipe": {"path": pipe}}}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": _CONNECT,
        "circuit_breakers": {"thresholds": [no_limit]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        **_protocol({"http_protocol_options": {}}, _POOL_IDLE),
    }


def _pods(name: str, maximum_requests: int, protocol: Json, assignment: Json) -> Json:
    limits = {
        # Connections are no limit of their own: a request that waits for one would wait instead of being refused.
        "max_connections": _CONNECTIONS, "max_pending_requests": maximum_requests, "max_requests": maximum_requests,
        # A pod that dies fails all that it has at once, and all of them are to have another try.
        "max_retries": maximum_requests,
    }  # fmt: skip
    return {
        **typed("envoy.config.cluster.v3.Cluster"),
        "name": name,
        "type": "STATIC",
        "load_assignment": assignment,
        "connect_timeout": _CONNECT,
        "lb_policy": "LEAST_REQUEST",
        "circuit_breakers": {"thresholds": [limits]},
        # Only when all are ejected requests go to all of them again: the last pod is never left out.
        "common_lb_config": {"healthy_panic_threshold": {"value": 1}},
        "outlier_detection": {
            "split_external_local_origin_errors": True, "consecutive_local_origin_failure": _REFUSALS,
            "enforcing_consecutive_local_origin_failure": 100, "enforcing_local_origin_success_rate": 0,
            "enforcing_consecutive_5xx": 0, "enforcing_consecutive_gateway_failure": 0, "enforcing_success_rate": 0,
            "max_ejection_percent": 100, "base_ejection_time": _EJECTION, "interval": _EJECTION_LOOK,
        },
        **_protocol(protocol, _POOL_IDLE),
    }  # fmt: skip


def _protocol(explicit: Json, idle: str) -> Json:
    name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    options = typed(name, explicit_http_config=explicit, common_http_protocol_options={"idle_timeout": idle})
    return {"typed_extension_protocol_options": {name: options}}


def _listener(layout: Layout, name: str, address: Json, *, secure: bool) -> Json:
    chain: Json = {"filters": [_connection_manager(layout)]}
    if secure:
        secret = {"name": "leaf", "sds_config": _from_file(layout.file("certificate"))}
        chain["transport_socket"] = named(
            "envoy.transport_sockets.tls",
            "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            common_tls_context={"alpn_protocols": ["h2", "http/1.1"], "tls_certificate_sds_secret_configs": [secret]},
        )
    return {
        **typed("envoy.config.listener.v3.Listener"),
        "name": name,
        "address": address,
        "filter_chains": [chain],
        # With it a second gateway of this user could take the same port and half of its requests.
        "enable_reuse_port": False,
        "per_connection_buffer_limit_bytes": _WINDOW_BYTES,
    }


def _connection_manager(layout: Layout) -> Json:
    return named(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="gateway",
        codec_type="AUTO",
        rds={"route_config_name": ROUTES, "config_source": _from_file(layout.file(ROUTES))},
        http_filters=_filters(),
        upgrade_configs=[{"upgrade_type": "websocket"}],
        use_remote_address=True,
        # Nobody may set Envoy's own headers or choose the id of a request, this machine's programs neither.
        internal_address_config={"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        server_header_transformation="PASS_THROUGH",
        # Whether an upload may begin is for the storage to say.
        proxy_100_continue=True,
        # A model may compute, an upload may last, for as long as it takes; routes of models have limits of their own.
        stream_idle_timeout=_EVER,
        request_timeout=_EVER,
        request_headers_timeout="60s",
        http2_protocol_options={
            "max_concurrent_streams": 1000, "initial_stream_window_size": _WINDOW_BYTES,
            "initial_connection_window_size": 16 << 20,
        },
        access_log=[_counting(), _logging(layout)],
        local_reply_config=_local_replies(),
    )  # fmt: skip


def _filters() -> list[Json]:
    """Disabled unless a route asks for them, except the router."""
    rule = {
        "selectors": [{"key": "model"}],
        "on_present": {"metadata_namespace": METADATA, "key": "model", "type": "STRING"},
    }
    any_type = {"rules": [rule], "allow_empty_content_type": True, "allow_content_types_regex": {"regex": ".*"}}
    hold = {
        "server_uri": {"uri": "http://hold", "cluster": HOLD_CLUSTER, "timeout": "86400s"},
        "path_override": "/",
    }
    filters = [
        # A limit cannot be said by route, a chain of filters can.
        named(SIZE_FILTER, "envoy.extensions.filters.http.filter_chain.v3.FilterChainConfig"),
        named(WHOLE_FILTER, "envoy.extensions.filters.http.composite.v3.Composite", matcher=_small_bodies()),
        named(BODY_FILTER, "envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata", request_rules=any_type),
        # The daemon says "go on" in any case, and so does its absence: that there is no pod is then the router's finding.
        named(HOLD_FILTER, "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", http_service=hold, failure_mode_allow=True),
    ]
    router = named("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", suppress_envoy_headers=True)
    return [*({**each, "disabled": True} for each in filters), router]


def _small_bodies() -> Json:
    """Let requests below a megabyte be whole before they go on.

    An answer that comes before the request's end, as that there is no pod, is lost on some clients of HTTP/2 (curl 7.88).
    Who asks first whether to send (``Expect``) has to be answered before there is a body.
    """
    length = named("length", "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", header_name="content-length")
    buffer = named("envoy.filters.http.buffer", "envoy.extensions.filters.http.buffer.v3.Buffer", max_request_bytes=1_000_000)
    action = named("whole", "envoy.extensions.filters.http.composite.v3.ExecuteFilterAction", typed_config=buffer)
    expect = named("expect", "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", header_name="expect")
    small = {"single_predicate": {"input": length, "value_match": {"safe_regex": {"google_re2": {}, "regex": "[0-9]{1,6}"}}}}
    asks = {"single_predicate": {"input": expect, "value_match": {"safe_regex": {"google_re2": {}, "regex": ".*"}}}}
    unasked = {"and_matcher": {"predicate": [small, {"not_matcher": asks}]}}
    return {"matcher_list": {"matchers": [{"predicate": unasked, "on_match": {"action": action}}]}}


def _counting() -> Json:
    """Count each request once, whoever answered it: by route, status and duration (GW-05)."""
    route = {"name": ROUTE_TAG, "value_format": "%ROUTE_NAME%"}
    code = {"name": CODE_TAG, "value_format": "%RESPONSE_CODE%"}
    return named(
        "envoy.access_loggers.stats",
        "envoy.extensions.access_loggers.stats.v3.Config",
        stats_scope={"prefix": COUNTED_SCOPE},
        counters=[
            {"stat": {"name": COUNTED, "tags": [route, code]}, "value_fixed": 1},
            {"stat": {"name": f"{COUNTED}_ms", "tags": [route]}, "value_format": "%DURATION%"},
        ],
        histograms=[
            {"stat": {"name": f"{COUNTED}_took", "tags": [route]}, "unit": "Milliseconds", "value_format": "%DURATION%"}
        ],
    )


def _logging(layout: Layout) -> Json:
    fields = {
        "time": "%START_TIME(%s.%6f)%", "id": "%REQ(X-REQUEST-ID)%", "stage": f"%METADATA(ROUTE:{METADATA}:stage)%",
        "model": f"%METADATA(ROUTE:{METADATA}:model)%", "method": "%REQ(:METHOD)%", "path": "%REQ(:PATH)%",
        "status": "%RESPONSE_CODE%", "grpc_status": "%GRPC_STATUS_NUMBER%", "ms": "%DURATION%", "received": "%BYTES_RECEIVED%",
        "sent": "%BYTES_SENT%", "flags": "%RESPONSE_FLAGS%",
    }  # fmt: skip
    wanted = {
        "extension_filter": named(
            "envoy.access_loggers.extension_filters.cel",
            "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            expression=f"has(xds.route_metadata.filter_metadata.{METADATA}.log)",
        )
    }
    config = {"path": str(layout.access_log), "log_format": {"json_format": fields}}
    return {
        **named("envoy.access_loggers.file", "envoy.extensions.access_loggers.file.v3.FileAccessLog", **config),
        "filter": wanted,
    }


def _local_replies() -> Json:
    """Say what the gateway itself answers as OIP errors, with the id (OI-17, OI-20)."""
    header = {"append_action": "OVERWRITE_IF_EXISTS_OR_ADD", "header": {"key": INFERENCE_ID, "value": "%REQ(X-REQUEST-ID)%"}}
    # Where no pod is there is one soon, or who asks next is held until then.
    later = {"append_action": "OVERWRITE_IF_EXISTS_OR_ADD", "header": {"key": "retry-after", "value": _RETRY_AFTER}}
    said = {
        "UH": "no pod of this model answers now", "UF": "no pod of this model answers now",
        "UT": "the model did not answer in time", "UO": "the model has as many requests as it takes at once",
        "UC": "the pod ended before it had answered", "UR": "the pod ended before it had answered",
    }  # fmt: skip
    plain = {"text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"}, "content_type": "application/json"}
    # A call of gRPC has a status of its own, whose message is for people.
    called = {"header_filter": {"header": {"name": "content-type", "string_match": {"prefix": "application/grpc"}}}}
    succeeded = {"comparison": {"op": "EQ", "value": {"default_value": 200, "runtime_key": "none"}}}
    by_flag: list[tuple[Json, Json]] = [
        (
            {"response_flag_filter": {"flags": [flag]}},
            {"body": {"inline_string": text}, "headers_to_add": [header, later] if flag in {"UH", "UF"} else [header]},
        )
        for flag, text in said.items()
    ]
    mappers: list[tuple[Json, Json]] = [
        *(({"and_filter": {"filters": [called, flag]}}, {**body, "body_format_override": plain}) for flag, body in by_flag),
        (called, {"body_format_override": plain}),
        ({"status_code_filter": succeeded}, {"body_format_override": plain}),
        *by_flag,
        ({"not_health_check_filter": {}}, {}),
    ]
    return {
        "mappers": [{"filter": when, "headers_to_add": [header], **what} for when, what in mappers],
        "body_format": {"json_format": {"error": "%LOCAL_REPLY_BODY%"}},
    }
