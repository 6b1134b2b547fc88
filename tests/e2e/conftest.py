"""The running product, once per module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.product import Product


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Sandbox, web and workers, running, with a calendar on the registry and its channel open."""
    product = Product.prepare(tmp_path_factory.mktemp("product"))
    try:
        product.start_sandbox()
        product.start_web()
        product.manage("sync_calendars")
        product.manage("sync_drive")
        product.manage("renew_channels", "--all")
        product.start_worker()
        yield product
    finally:
        product.stop()
