"""``endpoint``: bring models to a URL, ask them, change what stands behind it, delete it."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from easymaker_local.cli import completion, jobs, listing, output
from easymaker_local.cli import stage_options as form
from easymaker_local.cli.exits import FAILED
from easymaker_local.cli.lookup import WHICH, find_endpoint, find_stage
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of, session_of

if TYPE_CHECKING:
    from easymaker_local.client import Client

app = typer.Typer(no_args_is_help=True, help="Endpoints: models at a URL that stays while models change behind it.")

Which = Annotated[str, typer.Argument(metavar="ENDPOINT", help=WHICH, autocompletion=completion.endpoints)]
Several = Annotated[list[str], typer.Argument(metavar="ENDPOINT...", help=WHICH, autocompletion=completion.endpoints)]
StageOf = Annotated[str | None, typer.Option(metavar="STAGE", help="Name of a stage; the default one otherwise.")]
Follow = Annotated[bool, typer.Option("--follow/--detach", help="Wait until it is done, or return at once.")]

_POLL_SECONDS = 1.0


@app.command("create")
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A part of its URL; at most 50 characters, unique.")],
    model: form.Models, flavor: form.Flavor, nodes: form.Nodes = None, percentage: form.Percentage = None, cpu: form.Cpu = None,
    memory: form.Memory = None, gpu: form.Gpu = None, pods: form.Pods = 1, path: form.Path = "",
    autoscale: form.Autoscale = None, scale_to_zero: form.ScaleToZero = 0, node_autoscale: form.NodeAutoscale = None,
    node_scale_in: form.NodeScaleIn = True, node_threshold: form.NodeThreshold = 50,
    node_idle_minutes: form.NodeIdleMinutes = 10, node_delay_minutes: form.NodeDelayMinutes = 10, log: form.UseLog = False,
    api_key: Annotated[bool, typer.Option("--api-key", help="Make a key that requests need.", show_default=False)] = False,
    tag: form.Tags = None, description: form.Description = None, follow: Follow = True, check: jobs.Check = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Create an endpoint with its default stage and wait until it serves: exit code 0 if it does, 1 if not.

    Without --percentage, --cpu and --memory the models share what an instance has to give.
    """
    client = client_of(ctx)
    resources = [
        form.resource_body(client, one, percentage, cpu, memory, gpu, pods, path, autoscale, scale_to_zero) for one in model
    ]
    body = form.stage_body(
        client, resources, flavor, nodes, node_autoscale, node_scale_in, node_threshold, node_idle_minutes, node_delay_minutes,
        log, tag, description,
    )  # fmt: skip
    body = {**body, "endpointName": name, "apiKeyEnable": api_key}
    if check:
        jobs.tell_checked(client.check_endpoint, body)
        return
    made = client.create_endpoint(body)
    endpoint, code = made["endpoint"], 0
    from easymaker_local.cli.endpoint_views import tell_warnings

    for made_stage in endpoint["endpointStageList"]:
        tell_warnings(made_stage["endpointModelList"])
    if made["apiKey"] is not None:
        output.note(f"Requests need the header x-nhn-apikey: {made['apiKey']}")
    if follow:
        from easymaker_local.cli.follow import wait as wait_for

        (endpoint,), code = wait_for(jobs.ENDPOINT, client, [endpoint["endpointId"]], None)
    if as_json:
        output.print_json({**endpoint, "apiKey": made["apiKey"]})
    else:
        output.out().print(endpoint["endpointId"])
    output.note(f"Ask it:  easymaker-local endpoint predict {name} '{{\"instances\": […]}}'" if follow and not code
                else f"Wait for it: easymaker-local endpoint wait {endpoint['endpointId']}")  # fmt: skip
    raise typer.Exit(code)


@app.command("list")
def list_endpoints(
    ctx: typer.Context,
    status: jobs.Statuses = None,
    search: listing.Search = None,
    sort: listing.Sort = listing.By.CREATED,
    reverse: listing.Reverse = False,
    limit: listing.Limit = listing.ROWS,
    everything: listing.All = False,
    as_json: Json = False,
) -> None:
    """List endpoints, newest first unless sorted otherwise."""
    from easymaker_local.domain.endpoint import EndpointStatus

    wanted = jobs.status_codes(status or [], EndpointStatus)
    found = listing.rows(
        partial(client_of(ctx).endpoints, statuses=wanted), search, sort, limit, reverse=reverse, everything=everything
    )
    if as_json:
        output.print_json(found)
    elif found:
        from easymaker_local.cli.endpoint_views import print_endpoints

        print_endpoints(found)
    else:
        output.note("There are none. Make one: easymaker-local endpoint create --help")


@app.command("show")
def show(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """Show everything about an endpoint: how it stands and why, where it answers, its stages, its history."""
    client = client_of(ctx)
    endpoint = find_endpoint(client, which)
    events = client.endpoint_events(endpoint["endpointId"])
    if as_json:
        output.print_json({**endpoint, "eventList": events})
        return
    from easymaker_local.cli.endpoint_views import print_endpoint

    print_endpoint(endpoint, events)


@app.command("wait")
def wait(ctx: typer.Context, which: Several, timeout: jobs.Timeout = None, as_json: Json = False) -> None:
    """Wait until nothing is in progress: exit code 0 if all are ACTIVE, otherwise 1."""
    jobs.wait(jobs.ENDPOINT, client_of(ctx), which, timeout, as_json)


@app.command("change")
def change(
    ctx: typer.Context, which: Which, description: jobs.Description = None, tag: jobs.Tag = None, untag: jobs.Untag = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Change description or tags; what is not given stays. The name is a part of the URL and stays."""
    jobs.change(jobs.ENDPOINT, client_of(ctx), which, None, description, tag, untag, as_json)


@app.command("delete")
def delete(ctx: typer.Context, which: Several, follow: Follow = False) -> None:
    """Delete endpoints with their default stages: their URLs stop answering. Other stages have to be deleted before."""
    jobs.begin_deletion(jobs.ENDPOINT, client_of(ctx), which, follow)


@app.command("retry")
def retry(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """Try a deletion again that hangs."""
    client = client_of(ctx)
    endpoint = client.retry_endpoint_deletion(find_endpoint(client, which)["endpointId"])
    if as_json:
        output.print_json(endpoint)
    else:
        output.note(f"{jobs.ENDPOINT.title(endpoint)}: its deletion is tried again.")


@app.command("default-stage")
def default_stage(
    ctx: typer.Context,
    which: Which,
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="Name or id of the new one.")],
    stop_first: Annotated[
        bool,
        typer.Option("--stop-first", help="The two have no room together: delete the present one first; requests wait."),
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what it would do, change nothing.", show_default=False)
    ] = False,
    follow: Follow = True,
    as_json: Json = False,
) -> None:
    """Make another stage the default one, without a failed request. The former default stage is deleted; no way back."""
    from easymaker_local.cli.endpoint_views import print_default_preview

    client = client_of(ctx)
    endpoint = find_endpoint(client, which)
    endpoint_id = endpoint["endpointId"]
    stage_id = find_stage(client, f"{endpoint_id}/{stage}")["endpointStageId"]
    found = client.preview_default_stage(endpoint_id, stage_id)
    if preview:
        if as_json:
            output.print_json(found)
        else:
            print_default_preview(found)
        return
    endpoint = client.change_default_stage(endpoint_id, stage_id, stop_first=stop_first)
    deleted = found["deletedStage"]
    output.note(
        f"Stage {stage} is becoming the default one"
        + (f"; {deleted['endpointStageName']} will be deleted." if deleted else ".")
    )
    if follow:
        while endpoint["defaultStageChange"] is not None:
            time.sleep(_POLL_SECONDS)
            endpoint = client.endpoint(endpoint_id)
    if as_json:
        output.print_json(endpoint)
    is_done = any(s["endpointStageId"] == stage_id and s["isDefaultStage"] for s in endpoint["endpointStageList"])
    if follow and not is_done:
        output.note(f"It has not: {jobs.ENDPOINT.summary(endpoint)}", "red")
        raise typer.Exit(FAILED)
    if follow:
        left = {s["endpointStageId"] for s in endpoint["endpointStageList"]}
        ends = "is being deleted" if deleted and deleted["endpointStageId"] in left else "is deleted"
        output.note(f"Stage {stage} is the default one" + (f"; {deleted['endpointStageName']} {ends}." if deleted else "."))


@app.command("predict")
def predict(
    ctx: typer.Context,
    which: Which,
    data: Annotated[
        str, typer.Argument(metavar="JSON|FILE|-", help="What to ask: JSON, a file that holds it, or - for stdin.")
    ],
    model: Annotated[str | None, typer.Option("--model", "-m", help="Name or id, if there are several.")] = None,
    stage: StageOf = None,
    api: Annotated[str, typer.Option(help="auto, v1, v2, completion or chat; auto tells by the keys.")] = "auto",
) -> None:
    """Ask an endpoint over https, as its users do, and print the answer: exit code 0 if it is one, 1 if it is an error."""
    from easymaker_local.cli import predict as asking

    client = client_of(ctx)
    endpoint = find_endpoint(client, which)
    body = asking.read_body(data)
    chosen = asking.default_stage(endpoint) if stage is None else find_stage(client, f"{endpoint['endpointId']}/{stage}")
    base = endpoint["apigwDefaultStageUrl"] if stage is None else chosen["apigwStageUrl"]
    name = asking.choose_resource(chosen, model)["model"]["modelName"]
    address = asking.model_url(base, name, asking.api_of(api, body))
    key = client.api_key(endpoint["endpointId"]) if endpoint["apiKeyEnable"] else None
    code, text = asking.ask(session_of(ctx).settings, "POST", address, key, body)
    try:
        output.print_json(json.loads(text))
    except ValueError:
        output.out().print(output.clean(text))
    if code >= 400:
        output.note(f"HTTP {code} of {address}", "red")
        raise typer.Exit(FAILED)


@app.command("url")
def urls(ctx: typer.Context, which: Which, stage: StageOf = None, as_json: Json = False) -> None:
    """Print where an endpoint answers: its own URL, and that of each model for one request of the inference protocol."""
    from easymaker_local.cli import predict as asking
    from easymaker_local.cli.endpoint_views import url
    from easymaker_local.domain.gateway import Api

    client = client_of(ctx)
    endpoint = find_endpoint(client, which)
    chosen = asking.default_stage(endpoint) if stage is None else find_stage(client, f"{endpoint['endpointId']}/{stage}")
    base = endpoint["apigwDefaultStageUrl"] if stage is None else chosen["apigwStageUrl"]
    names = dict.fromkeys(resource["model"]["modelName"] for resource in chosen["endpointModelList"])
    found: dict[str, Any] = {
        "url": url(base), "caFile": str(session_of(ctx).settings.ca_bundle),
        "modelList": [{"modelName": name, "url": asking.model_url(base, name, Api.PREDICT)} for name in names],
    }  # fmt: skip
    if as_json:
        output.print_json(found)
        return
    output.out().print(found["url"], soft_wrap=True)
    for one in found["modelList"]:
        output.out().print(one["url"], soft_wrap=True)
    if found["modelList"]:
        key = " -H 'x-nhn-apikey: KEY'" if endpoint["apiKeyEnable"] else ""
        output.note(f"curl --cacert {found['caFile']}{key} {found['modelList'][0]['url']} -d '{{\"instances\": […]}}'")


@app.command("gateway")
def gateway(ctx: typer.Context, which: Which, stage: StageOf = None, as_json: Json = False) -> None:
    """Show what was deployed to the API gateway for a stage: paths, methods, backends."""
    from easymaker_local.cli.predict import default_stage as default_of

    client = client_of(ctx)
    endpoint = find_endpoint(client, which)
    chosen = default_of(endpoint) if stage is None else find_stage(client, f"{endpoint['endpointId']}/{stage}")
    show_gateway(client, chosen["endpointStageId"], as_json)


@app.command("key")
def key(
    ctx: typer.Context,
    which: Which,
    renew: Annotated[bool, typer.Option("--renew", help="Make a new one; the former one ends.", show_default=False)] = False,
    off: Annotated[bool, typer.Option("--off", help="Let requests need none.", show_default=False)] = False,
    as_json: Json = False,
) -> None:
    """Print the API key that requests need in the header x-nhn-apikey, if they need one; renew it or switch it off."""
    if renew and off:
        raise typer.BadParameter("give one of --renew and --off.", param_hint="--off")
    client = client_of(ctx)
    endpoint_id = find_endpoint(client, which)["endpointId"]
    found = client.change_api_key(endpoint_id, enable=renew) if renew or off else client.api_key(endpoint_id)
    if as_json:
        output.print_json({"apiKey": found})
    elif found is None:
        output.note("Requests need no API key.")
    else:
        output.out().print(found)


def show_gateway(client: Client, stage_id: str, as_json: bool) -> None:
    """Show what was deployed for a stage."""
    found = client.gateway_settings(stage_id)
    if as_json:
        output.print_json(found)
        return
    from easymaker_local.cli.endpoint_views import print_gateway

    print_gateway(found)
