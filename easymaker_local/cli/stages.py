"""``stage``: stages of endpoints, to try a model beside the one in service, and the models on them."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from easymaker_local.cli import completion, jobs, listing, output, stage_paths
from easymaker_local.cli import stage_options as form
from easymaker_local.cli.endpoints import Follow, show_gateway
from easymaker_local.cli.exits import FAILED, for_each
from easymaker_local.cli.lookup import WHICH, find_endpoint, find_stage, find_stage_resource
from easymaker_local.cli.output import Json
from easymaker_local.cli.session import client_of

app = typer.Typer(no_args_is_help=True, help="Stages of endpoints, and the models that are deployed on them.")
app.add_typer(stage_paths.app, name="path")

_WHICH = "ENDPOINT/STAGE, id, or beginning of an id."
Which = Annotated[str, typer.Argument(metavar="STAGE", help=_WHICH, autocompletion=completion.stages)]
Several = Annotated[list[str], typer.Argument(metavar="STAGE...", help=_WHICH, autocompletion=completion.stages)]
OfEndpoint = Annotated[str, typer.Argument(metavar="ENDPOINT", help=WHICH, autocompletion=completion.endpoints)]


@app.command("create")
def create(
    ctx: typer.Context, endpoint: OfEndpoint,
    name: Annotated[str, typer.Argument(metavar="NAME", help="1 to 30 lower-case letters and digits, unique in its endpoint.")],
    model: form.Models, flavor: form.Flavor, nodes: form.Nodes = None, percentage: form.Percentage = None, cpu: form.Cpu = None,
    memory: form.Memory = None, gpu: form.Gpu = None, pods: form.Pods = 1, path: form.Path = "",
    autoscale: form.Autoscale = None, scale_to_zero: form.ScaleToZero = 0, node_autoscale: form.NodeAutoscale = None,
    node_scale_in: form.NodeScaleIn = True, node_threshold: form.NodeThreshold = 50,
    node_idle_minutes: form.NodeIdleMinutes = 10, node_delay_minutes: form.NodeDelayMinutes = 10, log: form.UseLog = False,
    tag: form.Tags = None, description: form.Description = None, follow: Follow = True, check: jobs.Check = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Add a stage to an endpoint, beside the one in service, and wait until it serves: exit code 0 if it does, 1 if not."""
    client = client_of(ctx)
    resources = [
        form.resource_body(client, one, percentage, cpu, memory, gpu, pods, path, autoscale, scale_to_zero) for one in model
    ]
    body = form.stage_body(
        client, resources, flavor, nodes, node_autoscale, node_scale_in, node_threshold, node_idle_minutes, node_delay_minutes,
        log, tag, description,
    )  # fmt: skip
    body = {**body, "endpointId": find_endpoint(client, endpoint)["endpointId"], "apigwStageName": name}
    if check:
        jobs.tell_checked(client.check_stage, body)
        return
    stage, code = client.create_stage(body), 0
    from easymaker_local.cli.endpoint_views import tell_warnings

    tell_warnings(stage["endpointModelList"])
    if follow:
        from easymaker_local.cli.follow import wait as wait_for

        (stage,), code = wait_for(jobs.STAGE, client, [stage["endpointStageId"]], None)
    if as_json:
        output.print_json(stage)
    else:
        output.out().print(stage["endpointStageId"])
    if not follow:
        output.note(f"Wait for it: easymaker-local stage wait {stage['endpointStageId']}")
    raise typer.Exit(code)


@app.command("preview")
def preview(
    ctx: typer.Context, model: form.Models, flavor: form.Flavor,
    endpoint: Annotated[
        str | None, typer.Option(help="Beside the default stage of this one.", autocompletion=completion.endpoints)
    ] = None,
    nodes: form.Nodes = None, percentage: form.Percentage = None, cpu: form.Cpu = None, memory: form.Memory = None,
    gpu: form.Gpu = None, pods: form.Pods = 1, as_json: Json = False,
) -> None:  # fmt: skip
    """Show what a stage would take, what its models needed before, and whether it fits now; creates nothing."""
    client = client_of(ctx)
    resources = [form.resource_body(client, one, percentage, cpu, memory, gpu, pods, "", None, 0) for one in model]
    body = form.stage_body(client, resources, flavor, nodes, None, True, 0, 0, 0, False, None, None)
    if endpoint is not None:
        body["endpointId"] = find_endpoint(client, endpoint)["endpointId"]
    found = client.preview_stage(body)
    if as_json:
        output.print_json(found)
        return
    from easymaker_local.cli.endpoint_views import print_preview

    print_preview(found)


@app.command("list")
def list_stages(
    ctx: typer.Context,
    endpoint: Annotated[
        str | None,
        typer.Argument(metavar="ENDPOINT", help="Only those of this endpoint.", autocompletion=completion.endpoints),
    ] = None,
    search: listing.Search = None,
    sort: listing.Sort = listing.By.CREATED,
    reverse: listing.Reverse = False,
    limit: listing.Limit = listing.ROWS,
    everything: listing.All = False,
    as_json: Json = False,
) -> None:
    """List stages, newest first unless sorted otherwise."""
    client = client_of(ctx)
    endpoint_id = None if endpoint is None else find_endpoint(client, endpoint)["endpointId"]
    found = listing.rows(partial(client.stages, endpoint_id), search, sort, limit, reverse=reverse, everything=everything)
    if as_json:
        output.print_json(found)
    elif found:
        from easymaker_local.cli.endpoint_views import print_stages

        print_stages(found)
    else:
        output.note("There are none. Every endpoint has one: easymaker-local endpoint create --help")


@app.command("show")
def show(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """Show everything about a stage: how it stands and why, where it answers, its models, its history."""
    client = client_of(ctx)
    stage = find_stage(client, which)
    events = client.stage_events(stage["endpointStageId"])
    if as_json:
        output.print_json({**stage, "eventList": events})
        return
    from easymaker_local.cli.endpoint_views import print_stage

    print_stage(stage, events)


@app.command("wait")
def wait(ctx: typer.Context, which: Several, timeout: jobs.Timeout = None, as_json: Json = False) -> None:
    """Wait until nothing is in progress: exit code 0 if all are ACTIVE, otherwise 1."""
    jobs.wait(jobs.STAGE, client_of(ctx), which, timeout, as_json)


@app.command("change")
def change(
    ctx: typer.Context, which: Which, description: jobs.Description = None, tag: jobs.Tag = None, untag: jobs.Untag = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Change description or tags; what is not given stays. The name is a part of the URL and stays."""
    jobs.change(jobs.STAGE, client_of(ctx), which, None, description, tag, untag, as_json)


@app.command("delete")
def delete(ctx: typer.Context, which: Several, follow: Follow = False) -> None:
    """Delete stages: their URLs stop answering. The default stage of an endpoint goes with the endpoint."""
    jobs.begin_deletion(jobs.STAGE, client_of(ctx), which, follow)


@app.command("deploy")
def deploy(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """Deploy a stage to the API gateway by hand, where a deployment has failed: exit code 0 if it is in force then."""
    client = client_of(ctx)
    found = client.deploy_stage(find_stage(client, which)["endpointStageId"])
    if as_json:
        output.print_json(found)
    else:
        output.note(
            f"{found['deployStatus']}, version {found['version']}" + (f": {found['message']}" if found["message"] else "")
        )
    if found["deployStatus"] != "ACTIVE":
        raise typer.Exit(FAILED)


@app.command("gateway")
def gateway(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """Show what was deployed to the API gateway: paths, methods, backends."""
    client = client_of(ctx)
    show_gateway(client, find_stage(client, which)["endpointStageId"], as_json)


@app.command("pods")
def pods(ctx: typer.Context, which: Which, as_json: Json = False) -> None:
    """List the pods of a stage: where they are, how they stand, how often they were started again."""
    client = client_of(ctx)
    found = client.pods(find_stage(client, which)["endpointStageId"])
    if as_json:
        output.print_json(found)
    elif found:
        from easymaker_local.cli.endpoint_views import print_pods

        print_pods(found)
    else:
        output.note("There are none.")


@app.command("logs")
def logs(
    ctx: typer.Context,
    which: Which,
    model: Annotated[str | None, typer.Option("--model", "-m", metavar="MODEL", help="Only those of this model.")] = None,
    pod: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this pod, also one that is gone; the beginning of its id is enough.")
    ] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the pods end.", show_default=False)] = False,
) -> None:
    """Print what the model servers of a stage have written. With several every line begins with its model and pod."""
    client = client_of(ctx)
    stage = find_stage(client, which)
    from easymaker_local.cli.pod_logs import print_pod_logs

    print_pod_logs(client, stage, model, pod, follow=follow)


@app.command("add-resource")
def add_resource(
    ctx: typer.Context, which: Which, model: form.Model, percentage: form.Percentage = None, cpu: form.Cpu = None,
    memory: form.Memory = None, gpu: form.Gpu = None, pods: form.Pods = 1, path: form.Path = "",
    autoscale: form.Autoscale = None, scale_to_zero: form.ScaleToZero = 0, description: form.Description = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Deploy one more model on a stage, whose other models go on serving."""
    client = client_of(ctx)
    stage = find_stage(client, which)
    body = form.resource_body(client, model, percentage, cpu, memory, gpu, pods, path, autoscale, scale_to_zero)
    more = {} if description is None else {"description": description}
    made = client.create_stage_resource({**body, **more, "endpointStageId": stage["endpointStageId"]})
    if as_json:
        output.print_json(made)
    else:
        output.out().print(made["endpointModelId"])
    from easymaker_local.cli.endpoint_views import tell_warnings

    tell_warnings([made])
    output.note(f"Wait for it: easymaker-local stage wait {stage['endpointStageId']}")


@app.command("delete-resource")
def delete_resource(
    ctx: typer.Context,
    which: Which,
    resource: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Name of its model, or id of the stage resource.")],
) -> None:
    """Take models off a stage, whose other models go on serving. The last one goes with the stage."""
    client = client_of(ctx)
    stage = find_stage(client, which)

    def act(text: str) -> None:
        found = find_stage_resource(client, stage, text)
        client.delete_stage_resource(found["endpointModelId"])
        output.note(f"{found['model']['modelName']} is being taken off stage {stage['endpointStageName']}.")

    for_each(resource, act)


@app.command("usage")
def usage(
    ctx: typer.Context,
    which: Which,
    begin: Annotated[str | None, typer.Option("--from", metavar="TIME", help="ISO 8601; default: its start.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="ISO 8601; default: now.")] = None,
    as_json: Json = False,
) -> None:
    """Show how much CPU and memory each pod used: now, on average, at most and over time; and how many pods there were."""
    client = client_of(ctx)
    stage = find_stage(client, which)
    found = client.stage_monitoring(stage["endpointStageId"], begin, end)
    if as_json:
        output.print_json(found)
        return
    from easymaker_local.cli.usage import print_stage_usage

    print_stage_usage(f"{stage['endpointName']}/{stage['endpointStageName']}", found)
