"""HeyGem: a template and a speech recording in, a video in which that person says it out."""

__version__ = "0.1.0"
