"""The commands of the service: serve, and share the traffic between two versions."""

import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..config import Config, load_config
from ..errors import ProjectError
from ..tracking import has_registry
from . import traffic as traffic_state

if TYPE_CHECKING:
    # Imports libraries that take a second.
    from ..tracking import Version

DEFAULT_SHARE = "50"

SHUTDOWN_SECONDS = 20
"""In which requests that are in flight are answered once the service is to end."""

MAX_CONNECTIONS = 2_000
"""More get 503 at once: each costs memory before it has said anything."""


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 8000,
) -> None:
    """Answer requests with the champion, until it is stopped."""
    # Imported here: no other command needs a web server.
    import uvicorn

    from .app import create_app

    root = Path.cwd()
    config = load_config(root)
    # Before anything is loaded: a port that is taken should be known at once.
    listener = _listen(host, port)
    settings = uvicorn.Config(
        create_app(root.resolve(), config),
        loop="auto",
        http="httptools",
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    port = listener.getsockname()[1]
    print(
        f"http://{host}:{port}/predict answers as soon as /ready does; Ctrl-C ends it", flush=True
    )
    uvicorn.Server(settings).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ProjectError(
            f"{host}:{port} cannot be listened on: {error.strerror}; PORT= names another port"
        ) from None


def traffic(
    mode: Annotated[str, typer.Argument(help="champion, shadow, canary or ab; empty shows.")] = "",
    model: Annotated[str, typer.Option(help="The other version's number, or candidate.")] = "",
    share: Annotated[str, typer.Option(help="Per cent of the entities in an A/B test.")] = "",
) -> None:
    """Show who answers whom, or change it: a running service follows within a second."""
    root = Path.cwd()
    config = load_config(root)
    if mode:
        # First what a typo can spoil: to ask the registry takes a second.
        if mode in ("shadow", "canary", "ab") and not model:
            raise ProjectError("MODEL= is missing: name a version's number, or candidate")
        state = traffic_state.begin(mode, None, _per_cent(mode, share), config.serving.canary)
        if mode != "champion":
            state = replace(state, challenger=_challenger(config, root, model))
        if mode == "ab":
            _require_entity(config)
        _name_challenger(config, root, state.challenger)
        traffic_state.write(root, state)
    state = traffic_state.read(root)
    print(_sentence(state))


def _per_cent(mode: str, share: str) -> float:
    """The share of an A/B test, which no other mode has."""
    if share and mode in ("shadow", "canary"):
        raise ProjectError(
            f"SHARE={share} is for MODE=ab: the stages of a canary are serving.canary.stages in "
            "params.yaml"
        )
    try:
        return float(share or DEFAULT_SHARE)
    except ValueError:
        raise ProjectError(f"SHARE={share} is no number: write per cent, such as 50") from None


def _require_entity(config: Config) -> None:
    """Refuse an A/B test whose report could not tell one entity from another."""
    from .logged import label_columns

    entity = traffic_state.entity_column(config)
    if not entity:
        raise ProjectError("an A/B test needs an id: name it in params.yaml, data.ids")
    if entity not in label_columns(config):
        raise ProjectError(
            f"an A/B test by {entity} has no report, since the log holds no personal and no "
            "sensitive column: name another id in params.yaml, data.group"
        )


def _name_challenger(config: Config, root: Path, number: int | None) -> None:
    """Give the version an alias, so that its files stay; None takes that away."""
    # A service that has nothing but the champion's files has no registry.
    if not has_registry(root):
        return
    from ..tracking import registry

    if number is None:
        registry.drop_alias(root, config.model.name, "challenger")
    else:
        registry.set_alias(root, config.model.name, "challenger", number)


def _challenger(config: Config, root: Path, model: str) -> int:
    """The number of the version that is meant."""
    # Imported here: the registry's client takes a second.
    from ..promotion.promote import register_candidate
    from ..tracking import registry

    champion = registry.by_alias(root, config.model.name, "champion")
    if champion is None:
        raise ProjectError("there is no champion yet, whom all other requests are for: promote one")
    if model == "candidate":
        # Registered, but not judged: no gate has to let it, and only a promotion makes it champion.
        from ..git import commit_of

        version = register_candidate(config, root, commit_of(root))
        _require_other(version, champion)
        return version.number
    versions = {str(one.number): one for one in registry.versions(root, config.model.name)}
    if model not in versions:
        known = ", ".join(sorted(versions, key=int))
        raise ProjectError(
            f"MODEL={model} is no version of {config.model.name}: there are {known}; "
            "MODEL=candidate is what `make pipeline` made"
        )
    _require_other(versions[model], champion)
    # Raises if its files are gone.
    registry.fetch(root, config.model.name, versions[model])
    return int(model)


def _require_other(version: "Version", champion: "Version") -> None:
    """Refuse to compare the champion with itself."""
    if version.number == champion.number:
        raise ProjectError(f"version {version.number} is the champion: name another one as MODEL=")


def _sentence(state: traffic_state.Traffic) -> str:
    """Who answers whom, in words."""
    if state.mode == "champion":
        return f"The champion answers alone. {state.outcome}".strip()
    others = {
        "shadow": "answers every request too, and nobody sees it",
        "canary": f"answers {state.share:g} % of the requests",
        "ab": f"answers {state.share:g} % of the entities, always the same ones",
    }
    # A file that somebody wrote by hand may not say since when.
    since = f", since {state.since}" if state.since else ""
    sentence = f"Version {state.challenger} {others[state.mode]}{since}."
    return f"{sentence} {state.outcome}".strip()


def main() -> None:
    """Serve without the other commands, whose libraries the image does not have."""
    try:
        typer.run(serve)
    except ProjectError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
