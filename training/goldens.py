"""Records what every model gives on its fixed inputs: `python -m training.goldens [MODEL ...]`.

Run it from the project root. It works on a CPU, in fp32 or with --int8, in a process of its own; the app
holds each freshly warmed model to these files.
"""

import argparse
import tempfile
from pathlib import Path

import torch

from heygem.models.catalog import CATALOG
from heygem.models.golden import deviation, fingerprint, read_goldens, write_goldens
from heygem.models.manifest import Manifest
from heygem.models.resident import LoadContext, Precision
from heygem.models.spec import ModelSpec
from heygem.models.torch_setup import configure_torch

MODELS = Path(__file__).parents[1] / "models"


FARTHEST_INT8 = 0.03  # a quantised model may differ so much from itself in fp32; farther ones are not offered


def record(spec: ModelSpec, manifest: Manifest, precision: Precision) -> None:
    """Load one model, run all its shapes and write their fingerprints beside its weights."""
    folder = manifest.verify(spec.name, rehash=True).folder
    model = spec.load(LoadContext(folder, torch.device("cpu"), precision))
    outputs = {bucket: model.warm(bucket) for bucket in model.buckets}
    if precision == "int8":
        exact = read_goldens(folder)
        farthest = max(deviation(outputs[bucket], exact[bucket]) for bucket in outputs)
        print(f"{spec.name}: int8 is off by {farthest:.3g}")
        if farthest > FARTHEST_INT8:
            raise SystemExit(f"{spec.name} loses too much in int8: take it out of the catalogue.")
    write_goldens(folder, {bucket: fingerprint(output) for bucket, output in outputs.items()}, precision)
    print(f"{spec.name}, {precision}: {', '.join(model.buckets)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="names of models (default: all)")
    parser.add_argument("--int8", action="store_true", help="only of models that run in int8, in int8")
    arguments = parser.parse_args()
    precision: Precision = "int8" if arguments.int8 else "fp32"
    configure_torch(torch.device("cpu"))
    with tempfile.TemporaryDirectory() as cache:
        manifest = Manifest.load(MODELS, Path(cache))
        for spec in CATALOG:
            if precision in spec.tolerances and spec.name in (arguments.models or [spec.name]):
                record(spec, manifest, precision)


if __name__ == "__main__":
    main()
