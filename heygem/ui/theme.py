"""Calm greys, one accent colour, and fonts the reader's machine already has."""

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, sizes

STYLESHEET = Path(__file__).with_name("style.css")
FAVICON = Path(__file__).with_name("favicon.png")

FONTS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "sans-serif",
)
MONOSPACE_FONTS = ("ui-monospace", "SFMono-Regular", "Consolas", "monospace")


def heygem_theme() -> gr.themes.Base:
    """The page's theme; nothing of it is fetched from anywhere."""
    return gr.themes.Base(
        primary_hue=colors.teal,
        neutral_hue=colors.gray,
        text_size=sizes.text_md,
        radius_size=sizes.radius_lg,
        font=list(FONTS),
        font_mono=list(MONOSPACE_FONTS),
    ).set(
        body_background_fill="#f6f7f7",
        body_background_fill_dark="#101413",
        block_background_fill="white",
        block_background_fill_dark="#191e1d",
        block_border_width="1px",
        block_border_color="#e3e7e6",
        block_border_color_dark="#2b3331",
        block_shadow="none",
        block_label_background_fill="transparent",
        block_label_border_width="0",
        block_title_text_weight="500",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_600",
        button_primary_text_color="white",
        button_primary_border_color="transparent",
        button_primary_border_color_dark="transparent",
        button_secondary_background_fill="white",
        button_secondary_background_fill_dark="#191e1d",
        button_secondary_border_color="#d5dbd9",
        button_secondary_border_color_dark="#2b3331",
        button_border_width="1px",
        button_large_text_weight="600",
        input_background_fill="#f9fafa",
        input_background_fill_dark="#141918",
        slider_color="*primary_600",
    )
