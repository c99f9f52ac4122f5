"""Check the links of the built site: ``python docs/check_links.py docs/_build/html``.

Every link within the site leads to a page, and to a place on it, that is there; links to other
sites are whole addresses; and no page needs another site to be shown: scripts, styles and images
come with it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

HOST = re.compile(r"([a-z0-9-]+\.)+[a-z]{2,}")


class Link(NamedTuple):
    """A link of a page, and whether the page loads it."""

    target: str
    loaded: bool


class Page(HTMLParser):
    """The links of a page, and the places on it that links can lead to."""

    def __init__(self, html: str):
        super().__init__()
        self.places: set[str] = set()
        self.links: list[Link] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.places |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(Link(values["href"], loaded=False))
        self.links += [Link(address, loaded=True) for address in loaded_by(tag, values)]


def loaded_by(tag: str, values: dict[str, str]) -> list[str]:
    """Return the addresses that a tag has a page load."""
    if tag == "link":
        return [values["href"]] if "stylesheet" in values.get("rel", "") else []
    if tag not in ("script", "img", "source", "iframe"):
        return []
    found = [values["src"]] if values.get("src") else []
    several = values.get("srcset", "").split(",")
    return found + [one.split()[0] for one in several if one.strip()]


def problem(site: Path, page: Path, link: Link) -> str | None:
    """Say what is wrong with a link, if anything."""
    address = urlsplit(link.target)
    if address.scheme in ("data", "mailto"):
        return None
    if address.scheme or address.netloc:
        if link.loaded:
            return "is loaded from another site"
        whole = address.scheme in ("http", "https") and HOST.fullmatch(address.hostname or "")
        return None if whole else "is no address of a page"
    if address.path.startswith("/"):
        return "begins at the root of the server, where this site may not be"
    file = (page.parent / unquote(address.path)).resolve() if address.path else page
    if not file.is_relative_to(site) or not file.is_file():
        return "leads to nothing"
    place = unquote(address.fragment) if file.suffix == ".html" and not link.loaded else ""
    if place and place not in read(file).places:
        return "leads to a place that the page does not have"
    return None


@cache
def read(file: Path) -> Page:
    """Return the links and the places of a page."""
    return Page(file.read_text(encoding="utf-8"))


def problems(site: Path) -> Iterator[str]:
    """Yield a line for every link of a site with which something is wrong."""
    site = site.resolve()
    for page in sorted(site.rglob("*.html")):
        if "_static" in page.relative_to(site).parts:
            continue
        for link in dict.fromkeys(read(page).links):
            wrong = problem(site, page, link)
            if wrong:
                yield f"{page.relative_to(site)}: {link.target} {wrong}"


def main() -> None:
    """Print what is wrong, and fail if anything is."""
    site = Path(sys.argv[1])
    found = list(problems(site))
    n_pages = len(list(site.rglob("*.html")))
    if found or not n_pages:
        sys.exit("\n".join(found) or f"no pages in {site}")
    print(f"the links of {n_pages} pages lead somewhere")


if __name__ == "__main__":
    main()
