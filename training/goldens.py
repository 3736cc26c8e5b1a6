"""Records what every model gives on its fixed inputs: `python -m training.goldens [MODEL ...]`.

Run it from the project root. It works on a CPU in fp32, in a process of its own; the app holds each freshly
warmed model to these files.
"""

import argparse
import tempfile
from pathlib import Path

import torch

from heygem.models.catalog import CATALOG
from heygem.models.golden import fingerprint, write_goldens
from heygem.models.manifest import Manifest
from heygem.models.registry import ModelSpec, configure_torch
from heygem.models.resident import LoadContext

MODELS = Path(__file__).parents[1] / "models"


def record(spec: ModelSpec, manifest: Manifest) -> None:
    """Load one model, run all its shapes and write their fingerprints beside its weights."""
    folder = manifest.verify(spec.name, rehash=True).folder
    model = spec.load(LoadContext(folder, torch.device("cpu"), "fp32"))
    write_goldens(folder, {bucket: fingerprint(model.warm(bucket)) for bucket in model.buckets})
    print(f"{spec.name}: {', '.join(model.buckets)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="names of models (default: all)")
    asked = parser.parse_args().models
    configure_torch()
    with tempfile.TemporaryDirectory() as cache:
        manifest = Manifest.load(MODELS, Path(cache))
        for spec in CATALOG:
            if not asked or spec.name in asked:
                record(spec, manifest)


if __name__ == "__main__":
    main()
