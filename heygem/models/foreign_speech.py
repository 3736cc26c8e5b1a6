"""Speech encoders a user puts into a models folder: Wav2Vec 2.0 and HuBERT, as transformers stores them.

They keep the protocol of `heygem.models.speech.AudioEncoder`; a motion net has to be trained for each of them
(`training/motion.py`). Nets and their mathematics are transformers' own.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from heygem.errors import WeightsCorruptError
from heygem.models.placed import FOREIGN_TYPES, model_type
from heygem.models.resident import FloatArray, LoadContext, warm_noise
from heygem.models.speech import BUCKET_SECONDS, FEATURES_PER_SECOND, RATE_HZ

_EDGE_SAMPLES = 40  # the first layers look at 400 samples every 320: so much on both sides makes 50 a second
_LEAST_VARIANCE = 1e-7  # of transformers' feature extractor
_RENAMED = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
_FOR_TRAINING = ("lm_head.", "masked_spec_embed", "quantizer.", "project_q.", "project_hid.", "final_proj.")


class ForeignSpeechEncoder:
    """A resident Wav2Vec 2.0 or HuBERT encoder."""

    bucket_seconds = BUCKET_SECONDS
    buckets = tuple(f"{seconds}s" for seconds in BUCKET_SECONDS)

    def __init__(self, context: LoadContext) -> None:
        """Read `config.json` and `model.safetensors` or `pytorch_model.bin`.

        Raises:
            WeightsCorruptError: the weights are not those of the net that the config describes.
        """
        self._device, self._dtype = context.device, context.dtype
        with torch.device("meta"):
            net = _make_net(context.folder)
        _assign(net, _read(context), context.folder)
        self._net: Any = net.eval().requires_grad_(False)
        self._normalises = bool(_setting(context.folder, "preprocessor_config.json", "do_normalize", True))

    @property
    def bytes_resident(self) -> int:
        return sum(int(weight.nbytes) for weight in self._net.parameters())

    @torch.inference_mode()
    def encode(self, samples: FloatArray) -> Tensor:
        """Encode exactly one bucket of sound.

        Args:
            samples: (n,) float32 mono in [-1,1] at 16 kHz, n = 16000 * one of `bucket_seconds`.

        Returns:
            (50 * seconds, layers + 1, width) float32 on the device: what enters the first layer, then all.
        """
        if samples.shape not in {(seconds * RATE_HZ,) for seconds in self.bucket_seconds}:
            raise ValueError(f"{samples.shape} samples are none of {self.bucket_seconds} s at {RATE_HZ} Hz")
        if self._normalises:
            samples = (samples - samples.mean()) / np.sqrt(samples.var() + _LEAST_VARIANCE)
        padded = torch.from_numpy(np.pad(samples, _EDGE_SAMPLES)).to(self._device, self._dtype)
        states = self._net(padded[None], output_hidden_states=True).hidden_states  # layers + 1 of (1,T,width)
        return torch.cat(states).transpose(0, 1).float()

    def warm(self, bucket: str) -> FloatArray:
        """Run one length on fixed noise. See `ResidentModel.warm`."""
        count = self.bucket_seconds[self.buckets.index(bucket)] * RATE_HZ
        output = self.encode(warm_noise((count,), seed=6) - 0.5)
        if output.shape[0] * RATE_HZ != count * FEATURES_PER_SECOND:
            raise WeightsCorruptError(
                f"This encoder gives {output.shape[0]} features for {bucket}, not {FEATURES_PER_SECOND} "
                "a second: HeyGem cannot use it."
            )
        return output.cpu().numpy()


def _make_net(folder: Path) -> nn.Module:
    """The net of a config, without memory for its weights."""
    net: nn.Module
    if model_type(folder) == "hubert":
        from transformers.models.hubert import HubertConfig, HubertModel

        net = HubertModel(HubertConfig.from_json_file(folder / "config.json"))
    else:
        from transformers.models.wav2vec2 import Wav2Vec2Config, Wav2Vec2Model

        net = Wav2Vec2Model(Wav2Vec2Config.from_json_file(folder / "config.json"))
    return net


def _read(context: LoadContext) -> dict[str, Tensor]:
    """Stored weights by name; never through pickle's own loader."""
    if (context.folder / "model.safetensors").exists():
        return context.read("model.safetensors", context.dtype)
    path = context.folder / "pytorch_model.bin"
    weights: dict[str, Tensor] = torch.load(path, map_location=context.device, weights_only=True, mmap=True)
    return {name: weight.to(context.dtype) for name, weight in weights.items()}


def _assign(net: nn.Module, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Give the net its weights, whatever head they were stored with."""
    own = {_own_name(name): weight for name, weight in weights.items()}
    wanted = net.state_dict().keys()
    missing = [name for name in wanted if name not in own and not name.startswith(_FOR_TRAINING)]
    if missing:
        raise WeightsCorruptError(
            f"The weights in {folder} lack {missing[0]} and {len(missing) - 1} more: they belong to another "
            "config.json.",
            file=str(folder),
        )
    net.load_state_dict({name: own[name] for name in wanted if name in own}, strict=False, assign=True)
    for name in wanted:
        if name not in own:  # what only training needs must not stay without memory
            owner, _, parameter = name.rpartition(".")
            setattr(net.get_submodule(owner), parameter, None)


def _own_name(name: str) -> str:
    """Without the name of the whole, and with the names that PyTorch has for normed weights today."""
    for kind in FOREIGN_TYPES:
        name = name.removeprefix(f"{kind}.")
    head, _, last = name.rpartition(".")
    return f"{head}.{_RENAMED[last]}" if last in _RENAMED else name


def _setting(folder: Path, file_name: str, key: str, default: object) -> object:
    """One entry of a JSON file beside the weights."""
    path = folder / file_name
    if not path.exists():
        return default
    return json.loads(path.read_text(encoding="utf-8")).get(key, default)
