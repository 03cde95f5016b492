"""The service over HTTP: limits, status codes and documentation; models run in other processes."""

import asyncio
import gc
import json
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from hmac import compare_digest
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from time import time
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from filelock import FileLock, Timeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ..bounds import Serving
from ..config import Config
from . import OverloadedError, problem
from .metrics import KEY_VARIABLE, PROBLEMS, Model, Predictions, Status, openapi, responses
from .router import Reply
from .service import Service
from .traffic import as_json

RETRY_SECONDS = 1

ID_LENGTH = 64
"""The longest id of a request that is taken over from the client."""


SCRATCH = "served-"
"""How the names of folders with the code of versions begin."""

LOCK = ".lock"

NEW_SECONDS = 60
"""Within which a folder is not taken for one that a service has left."""


class RefusedError(Exception):
    """A request that is not passed on to a model."""

    def __init__(self, status: int, rule: str) -> None:
        """Take the HTTP status and what is wrong."""
        super().__init__(rule)
        self.status = status
        self.rule = rule


def create_app(root: Path, config: Config) -> FastAPI:
    """Return the application.

    Args:
        root: The project.
        config: Its settings.
    """
    service = Service(root, config)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with scratch_folder() as scratch:
            await service.start(scratch)
            # What was loaded stays: to look for garbage in it would delay answers.
            gc.freeze()
            yield
            await service.close()

    # Without the pages that load scripts from elsewhere.
    app = FastAPI(
        title=config.model.name, version="1", lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.service = service
    for kind in (RefusedError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _refuse)
    app.add_api_route("/health", health, responses=responses(Status))
    app.add_api_route("/ready", ready, responses=responses(Status, 503))
    app.add_api_route("/model", model, responses=responses(Model, 401, 503))
    app.add_api_route(
        "/metrics", metrics, responses=responses(None, 401), response_class=PlainTextResponse
    )
    app.add_api_route(
        "/predict", predict, methods=["POST"], responses=responses(Predictions, *PROBLEMS)
    )
    app.openapi = lambda: openapi(app)
    return app


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder for the code of versions, of which nothing is left when the service ends.

    What a service left that was killed goes too: nobody holds the lock in it any more.
    """
    for folder in Path(gettempdir()).glob(f"{SCRATCH}*"):
        _remove_unused(folder)
    with TemporaryDirectory(prefix=SCRATCH) as name, FileLock(Path(name, LOCK)):
        yield Path(name)


def _remove_unused(folder: Path) -> None:
    """Remove the folder of a service that does not run any more."""
    lock = folder / LOCK
    try:
        # One that begins may not have locked its folder yet.
        is_new = time() - folder.stat().st_mtime < NEW_SECONDS
        if is_new or folder.is_symlink() or not lock.exists():
            return
        with FileLock(lock, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
    # It is in use, or somebody else's.
    except (Timeout, OSError):
        return


def _require_key(request: Request) -> None:
    """Refuse who does not know the key, if there is one."""
    key = os.environ.get(KEY_VARIABLE, "")
    # Headers are read as Latin-1, whatever the client wrote.
    given = request.headers.get("X-API-Key", "").encode("latin-1")
    # In constant time: how long a comparison takes must not tell how much was right.
    if key and not compare_digest(given, key.encode()):
        raise RefusedError(401, PROBLEMS[401])


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer all errors in one form, those of FastAPI itself too."""
    match error:
        case RefusedError():
            refused = error
        case RequestValidationError():
            found = error.errors()[0]
            # Without what was sent.
            refused = RefusedError(422, f"{found['loc'][-1]}: {found['msg']}")
        case HTTPException():
            refused = RefusedError(error.status_code, str(error.detail))
    response = _refusal(_id(request), refused)
    if request.url.path == "/predict":
        _count(request.app.state.service, response)
    response.headers.update(getattr(error, "headers", None) or {})
    return response


async def health() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


async def ready(request: Request) -> Response:
    """Say whether a model is loaded and warm."""
    service: Service = request.app.state.service
    if service.champion is None:
        raise RefusedError(503, service.problem)
    if not service.champion.batcher.n_alive:
        raise RefusedError(503, "the model's processes are being started again")
    return _json(200, {"status": "ready"})


async def model(request: Request) -> Response:
    """Say which version answers, by which data and with which metrics, and who else does."""
    _require_key(request)
    service: Service = request.app.state.service
    if service.champion is None:
        raise RefusedError(503, service.problem)
    facts = {"champion": _described(service.champion.facts), "challenger": None}
    if service.challenger:
        facts["challenger"] = _described(service.challenger.facts)
    return _json(200, facts | {"traffic": as_json(service.traffic)})


def _described(facts: dict[str, Any]) -> dict[str, Any]:
    """What anybody may know of a version: no folders of this machine."""
    hidden = ("folder", "source", "package", "files")
    return {name: value for name, value in facts.items() if name not in hidden}


async def metrics(request: Request) -> Response:
    """Answer in Prometheus' format."""
    _require_key(request)
    service: Service = request.app.state.service
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")


async def predict(
    request: Request,
    partial: Annotated[
        bool, Query(description="Answer the rows that hold all rules, and list the others.")
    ] = False,
) -> Response:
    """Predict one row, as an object, or many, as a list of objects."""
    _require_key(request)
    service: Service = request.app.state.service
    request_id = _id(request)
    limits = service.config.serving
    if service.in_flight >= limits.max_waiting:
        return _count(service, _refusal(request_id, RefusedError(503, "too many requests wait")))
    # Counted before the body is read: slow clients wait too.
    service.in_flight += 1
    service.metrics.in_flight.set(service.in_flight)
    try:
        body = await _body(request, limits)
        async with asyncio.timeout(limits.timeout_seconds):
            reply = await service.answer(request_id, body, partial=partial)
    except RefusedError as refused:
        return _count(service, _refusal(request_id, refused))
    except ClientDisconnect:
        # Nobody is there to read an answer.
        return Response(status_code=400)
    except OverloadedError as error:
        reason = str(error) or service.problem
        return _count(service, _refusal(request_id, RefusedError(503, reason)))
    except TimeoutError:
        slow = RefusedError(503, f"no answer in {limits.timeout_seconds:g} seconds")
        return _count(service, _refusal(request_id, slow))
    finally:
        service.in_flight -= 1
        service.metrics.in_flight.set(service.in_flight)
    return _count(service, _response(request_id, reply))


def _id(request: Request) -> str:
    """The client's id of a request, if it is a plain one; else a new one."""
    given = request.headers.get("X-Request-ID", "")
    if 0 < len(given) <= ID_LENGTH and given.isascii() and given.isprintable():
        return str(given)
    return secrets.token_hex(12)


async def _body(request: Request, limits: Serving) -> bytes:
    """The body of a request; RefusedError if it is no JSON, too large or too slow."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RefusedError(415, "send JSON, with the header Content-Type: application/json")
    most = int(limits.max_body_mb * 2**20)
    too_large = RefusedError(413, f"the body is larger than {limits.max_body_mb:g} MB")
    # Refused before a byte of it is read, if the client says how much it is.
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise too_large
    parts = []
    size = 0
    try:
        async with asyncio.timeout(limits.timeout_seconds):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise too_large
                parts.append(part)
    except TimeoutError:
        slow = f"the body did not come in {limits.timeout_seconds:g} seconds"
        raise RefusedError(408, slow) from None
    return b"".join(parts)


def _count(service: Service, response: Response) -> Response:
    service.metrics.requests.labels(response.status_code).inc()
    return response


def _refusal(request_id: str, refused: RefusedError) -> Response:
    detail = [problem(None, "", refused.rule)]
    response = _json(refused.status, {"request_id": request_id, "detail": detail})
    response.headers["X-Request-ID"] = request_id
    if refused.status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _response(request_id: str, reply: Reply) -> Response:
    headers = {"X-Request-ID": request_id}
    return Response(reply.body, reply.status, headers, media_type="application/json")


def _json(status: int, facts: dict[str, Any]) -> Response:
    body = json.dumps(facts, ensure_ascii=False)
    return Response(body, status, media_type="application/json")
