"""`python -m heygem bench`: the promises, measured on the real engine. Needs no gradio and no fastapi."""

from typing import Literal

PartName = Literal[
    "launch", "recovery", "residency", "jobs", "render", "steps", "new", "long", "residency-gpu"
]
ONLY_BY_NAME: tuple[PartName, ...] = ("residency-gpu",)  # it needs a GPU and diffusers
