"""The desk's two themes, calm in dark and light, and what any other theme gets for the colours they add.

The palette keeps apart for the common kinds of colour blindness: blue, amber and vermilion, with a bluish green
that always comes with a word.
"""

from __future__ import annotations

from textual.theme import Theme

_DARK = {
    "quiet": "#93a0ae",
    "sev-info": "#a3b1bf",
    "sev-notice": "#6cb6ee",
    "sev-warning": "#f0b140",
    "sev-critical": "#ff7b5c",
    "good": "#62c3a4",
    "match": "#ffd479",
    "glance-clear-fg": "#d9f5ea",
    "glance-clear-bg": "#17594a",
    "glance-look-fg": "#1c1300",
    "glance-look-bg": "#eba91c",
    "glance-act-fg": "#ffffff",
    "glance-act-bg": "#c8371f",
    "glance-lost-fg": "#ffffff",
    "glance-lost-bg": "#555c66",
    "glance-off-fg": "#aab6c2",
    "glance-off-bg": "#29313b",
}

_LIGHT = {
    "quiet": "#5d666f",
    "sev-info": "#55626f",
    "sev-notice": "#0f5f9e",
    "sev-warning": "#8a5300",
    "sev-critical": "#b02a14",
    "good": "#0f6b54",
    "match": "#7a3e00",
    "glance-clear-fg": "#0b4435",
    "glance-clear-bg": "#bfe3d6",
    "glance-look-fg": "#201500",
    "glance-look-bg": "#f2b632",
    "glance-act-fg": "#ffffff",
    "glance-act-bg": "#b92d16",
    "glance-lost-fg": "#ffffff",
    "glance-lost-bg": "#666d76",
    "glance-off-fg": "#4a525a",
    "glance-off-bg": "#d6d3cb",
}

DARK = Theme(
    name="feedmon-dark",
    primary="#7fc1ee",
    secondary="#5a8fb5",
    accent="#7fc1ee",
    warning="#f0b140",
    error="#ff7b5c",
    success="#62c3a4",
    foreground="#dce3ea",
    background="#11161c",
    surface="#161c24",
    panel="#202934",
    dark=True,
    variables={
        **_DARK,
        "block-cursor-text-style": "none",
        "border": "#2c3743",
        "input-selection-background": "#2d5673",
    },
)

LIGHT = Theme(
    name="feedmon-light",
    primary="#0f5f9e",
    secondary="#3d7199",
    accent="#0f5f9e",
    warning="#8a5300",
    error="#b02a14",
    success="#0f6b54",
    foreground="#1d2328",
    background="#faf8f4",
    surface="#f2efe9",
    panel="#e5e1d8",
    dark=False,
    variables={
        **_LIGHT,
        "block-cursor-text-style": "none",
        "border": "#cfc9bd",
        "input-selection-background": "#bcd6ea",
    },
)


def defaults(dark: bool) -> dict[str, str]:
    """Our own colours, for a theme that does not bring them."""
    return dict(_DARK if dark else _LIGHT)
