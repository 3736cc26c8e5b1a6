"""Small pieces of HTML that all tabs share. Whatever comes from outside goes through `escape`."""

from html import escape

from heygem.ui.status import Tone


def button(
    label: str,
    action: str,
    *,
    is_primary: bool = False,
    confirm: str = "",
    is_disabled: bool = False,
    label_for_readers: str = "",
    **data: str,
) -> str:
    """A button of a live part: `action` and `data` are what its click carries."""
    attributes = {"action": action, **({"confirm": confirm} if confirm else {}), **data}
    written = "".join(
        f' data-{name.replace("_", "-")}="{escape(value)}"' for name, value in attributes.items()
    )
    spoken = f' aria-label="{escape(label_for_readers)}"' if label_for_readers else ""
    kind = "hg-button hg-primary" if is_primary else "hg-button"
    disabled = " disabled" if is_disabled else ""
    return f'<button type="button" class="{kind}"{written}{spoken}{disabled}>{escape(label)}</button>'


def link(label: str, address: str, *, is_primary: bool = False) -> str:
    """A link that looks like a button, and saves what it leads to."""
    kind = "hg-button hg-primary" if is_primary else "hg-button"
    return f'<a class="{kind}" href="{escape(address)}" download>{escape(label)}</a>'


def pill(label: str, tone: Tone) -> str:
    """A state in a word."""
    return f'<span class="hg-state hg-{tone}">{escape(label)}</span>'


def rows(facts: dict[str, str]) -> str:
    """Names and values; empty values are left out."""
    body = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items() if v)
    return f'<dl class="hg-facts">{body}</dl>'


def player(address: str, label: str) -> str:
    """A video with controls; another address makes another player."""
    return (
        f'<video data-key="{escape(address)}" src="{escape(address)}" controls playsinline preload="metadata"'
        f' aria-label="{escape(label)}"></video>'
    )


def nothing(words: str) -> str:
    """Where there is nothing to show yet."""
    return f'<p class="hg-nothing">{escape(words)}</p>'
