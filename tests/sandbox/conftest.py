"""Clients of the sandbox: Google's own library, checked against Google's own schemas."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httplib2
import pytest
from google.auth.credentials import AnonymousCredentials
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.http import HttpRequest

from pipedesk.sandbox.discovery import methods
from pipedesk.sandbox.server import SandboxServer


class CheckedRequest(HttpRequest):
    """A request whose answer must fit the schema of the discovery document."""

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().execute(*args, **kwargs)
        method = methods()[self.methodId]
        if method.response is not None and isinstance(answer, dict):
            assert method.api.schemas.faults(method.response, answer) == []
        return answer


def build_service(root_url: str, api: str, user: str = "") -> Any:
    """A client of Google's library pointed at the sandbox, acting for a user."""
    document = json.loads(get_static_doc(api, "v3"))
    document["rootUrl"] = root_url
    document.pop("mtlsRootUrl", None)
    credentials = Credentials(user) if user else AnonymousCredentials()
    http = httplib2.Http(timeout=10)
    http.redirect_codes = set(http.redirect_codes) - {308}
    return build_from_document(
        document, http=AuthorizedHttp(credentials, http=http), requestBuilder=CheckedRequest
    )


@pytest.fixture
def service_of(sandbox: SandboxServer) -> Iterator[Callable[..., Any]]:
    """Makes clients: ``service_of("drive", "bob@pipedesk.example")``."""
    made: list[Any] = []

    def make(api: str, user: str = "") -> Any:
        made.append(build_service(sandbox.root_url, api, user))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def calendar(service_of: Callable[..., Any]) -> Any:
    """Calendar v3 for the default user."""
    return service_of("calendar")


@pytest.fixture
def drive(service_of: Callable[..., Any]) -> Any:
    """Drive v3 for the default user."""
    return service_of("drive")
