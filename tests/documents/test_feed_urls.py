"""Where a feed is, in a meeting file: one address, or several equal ones."""

from __future__ import annotations

import pytest

from feedmon.documents.fields import feed_url, is_in_the_clear
from feedmon.documents.located import Unfit


@pytest.mark.parametrize(
    "url",
    [
        "wss://one.example:443,wss://two.example:8443/subscribe",
        "wss://one.example , wss://two.example",
        "https://paper.example/feed?tags=council,parking",
    ],
)
def test_several_addresses_and_one_with_a_comma_in_it(url: str) -> None:
    assert feed_url(url) == url


@pytest.mark.parametrize("url", ["wss://one.example,wss://", "wss://one.example,wss://clerk:pass@two.example"])
def test_each_of_several_is_looked_at(url: str) -> None:
    with pytest.raises(Unfit):
        feed_url(url)


def test_one_unencrypted_address_is_enough_to_say_so() -> None:
    assert is_in_the_clear("wss://one.example,ws://two.example")
    assert not is_in_the_clear("wss://one.example,ws://127.0.0.1:9000")
