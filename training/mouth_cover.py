"""Trains the net of `models/mouth-cover`, which marks what is before a mouth. From the project root:

    python -m training.mouth_cover --mouths DIR --index INDEX.tsv --out DIR

Learns from the crops of every shard `bundle-*.npz` of the folder (their licence lets weights learnt from them
ship) of the `train` split, with covers and beards drawn into them (`training.covers`). Writes
`model.safetensors` and `cover_figures.json`: how well drawn covers are found on people of `val`, and how much
of bare faces is taken for covered there and in the shards `study-*.npz`, if there are any.
"""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from heygem.models.cover import ANSWER_PX, COVER_PX, CoverUNet
from training.covers import lesson
from training.mouth_material import STUDY, Mouths, asking_for_training, mouths_in

STEPS, BATCH, WORKERS = 3000, 128, 14
LEARNING_RATE, AVERAGE_KEEPS = 2e-3, 0.998
CPU = torch.device("cpu")  # where crops are drawn into
BESIDE_FACE = 0.1  # weight of what is drawn beside the face
SURE = 0.5
WORST_OF = 0.02  # of a bare face: a crop in which more is taken for covered counts as wrong
LOG_EVERY = 250

log = logging.getLogger(__name__)
Lesson = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Faces:
    """Crops to draw into: pictures (N,160,160,3) and lips (N,160,160) in 0..255, face and clip of each."""

    pictures: NDArray[np.uint8]
    lips: NDArray[np.uint8]
    face: NDArray[np.bool_]
    clip: NDArray[np.int64]

    @classmethod
    def of(cls, mouths: Mouths, chosen: NDArray[np.bool_]) -> "Faces":
        """The crops of the chosen (clips,)."""
        crops = np.flatnonzero(chosen[mouths.clip])
        return cls(
            mouths.images.numpy()[crops],
            mouths.masks[:, 1].numpy()[crops],
            mouths.triangle.numpy()[crops] >= 0,
            mouths.clip[crops],
        )

    def lesson(self, rng: np.random.Generator) -> Lesson:
        """One picture to look at (80,80,3), its truth (40,40) and what counts how much (40,40)."""
        of = np.flatnonzero(self.clip == rng.choice(np.unique(self.clip)))
        crop, other = int(rng.choice(of)), int(rng.integers(len(self.clip)))
        picture, lips, others = self.pictures[crop], self.lips[crop] / 255, self.pictures[other]
        made, truth = lesson(
            picture.astype(np.float32), lips.astype(np.float32), others.astype(np.float32), rng
        )
        matrix = cv2.getRotationMatrix2D((80, 80), rng.uniform(-12, 12), rng.uniform(0.9, 1.12))
        matrix[:, 2] += rng.uniform(-6, 6, 2)
        size = made.shape[:2]
        moved = [
            cv2.warpAffine(one, matrix, size, borderMode=cv2.BORDER_REPLICATE)
            for one in (made, truth, self.face[crop].astype(np.float32))
        ]
        small = [
            cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA)
            for one, side in zip(moved, (COVER_PX, ANSWER_PX, ANSWER_PX), strict=True)
        ]
        if rng.random() < 0.5:
            small = [one[:, ::-1] for one in small]
        weight = BESIDE_FACE + (1 - BESIDE_FACE) * small[2]
        return small[0].round().clip(0, 255).astype(np.uint8), small[1].copy(), weight


class Lessons(IterableDataset[Lesson]):
    """Lessons without end, other ones in every worker."""

    def __init__(self, faces: Faces, seed: int) -> None:
        self._faces, self._seed = faces, seed

    def __iter__(self) -> Iterator[Lesson]:
        worker = get_worker_info()
        cv2.setNumThreads(1)
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        while True:
            looked_at, truth, weight = self._faces.lesson(rng)
            yield np.ascontiguousarray(looked_at), np.ascontiguousarray(truth), np.ascontiguousarray(weight)


def main() -> None:
    """Train, measure, write."""
    asked = asking_for_training(__doc__).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    mouths = mouths_in(asked.mouths, asked.index, CPU)
    in_split = {
        split: np.array([row["split"] == split for row in mouths.clips]) for split in ("train", "val")
    }
    if asked.weights is None:
        net = learn(Faces.of(mouths, in_split["train"]), device, seed=0)
        weights = {name: weight.half().cpu().contiguous() for name, weight in net.state_dict().items()}
        save_file(weights, asked.out / "model.safetensors", metadata={"licence": "Apache-2.0"})
    else:
        weights = load_file(asked.weights)
    net = CoverUNet().to(device)
    net.load_state_dict({name: weight.float() for name, weight in weights.items()})
    net.eval()
    unseen = Faces.of(mouths, in_split["val"])
    figures = {"drawn covers, val": found(net, unseen), "bare faces, val": mistaken(net, unseen)}
    if list(asked.mouths.glob(STUDY)):
        others = mouths_in(asked.mouths, asked.index, CPU, STUDY)
        figures["bare faces, others"] = mistaken(net, Faces.of(others, np.ones(len(others.clips), bool)))
    log.info("%s", json.dumps(figures))
    (asked.out / "cover_figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def learn(
    faces: Faces,
    device: torch.device,
    seed: int,
    steps: int = STEPS,
    batch: int = BATCH,
    workers: int = WORKERS,
) -> CoverUNet:
    """Train on drawn lessons; the net is the mean of its late weights."""
    torch.manual_seed(seed)
    net = CoverUNet().to(device)
    step_of = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=0.01)
    rates = torch.optim.lr_scheduler.OneCycleLR(step_of, LEARNING_RATE, total_steps=steps)
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE_KEEPS))
    lessons = iter(DataLoader(Lessons(faces, seed), batch, num_workers=workers))
    started = time.perf_counter()
    for step in range(steps):
        looked_at, truth, weight = (part.to(device) for part in next(lessons))
        loss = lesson_loss(net(as_input(looked_at))[:, 0], truth, weight)
        step_of.zero_grad()
        loss.backward()
        step_of.step()
        rates.step()
        average.update_parameters(net)
        if step % LOG_EVERY == 0:
            log.info("step %d, %.0f s, loss %.4f", step, time.perf_counter() - started, loss.item())
    net.load_state_dict(average.module.state_dict())
    return net


def as_input(looked_at: Tensor) -> Tensor:
    """(B,80,80,3) uint8 RGB -> (B,3,80,80) in -1..1."""
    return looked_at.permute(0, 3, 1, 2).float() / 127.5 - 1


def lesson_loss(logits: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Cross entropy, and one less the overlap; (B,40,40) each."""
    exact = F.binary_cross_entropy_with_logits(logits, truth, weight)
    marked = torch.sigmoid(logits) * weight
    shared = 2 * (marked * truth).sum((1, 2)) + 1
    overlap = shared / (marked.sum((1, 2)) + (truth * weight).sum((1, 2)) + 1)
    return exact + 0.5 * (1 - overlap).mean()


@torch.inference_mode()
def found(net: CoverUNet, faces: Faces, count: int = 1500) -> dict[str, float]:
    """Drawn covers on these people: shares of what is marked and of what is covered that are both."""
    rng, device = np.random.default_rng(5), next(net.parameters()).device
    both = marked = covered = 0.0
    for _ in range(count):
        looked_at, truth, weight = faces.lesson(rng)
        on_face = weight > 0.9
        sure = answers(net, looked_at[None], device)[0] > SURE
        both += float((sure & (truth > SURE) & on_face).sum())
        marked, covered = (
            marked + float((sure & on_face).sum()),
            covered + float(((truth > SURE) & on_face).sum()),
        )
    return {"precision": round(both / max(marked, 1), 4), "recall": round(both / max(covered, 1), 4)}


def mistaken(net: CoverUNet, faces: Faces) -> dict[str, float]:
    """Real pictures as they are: what share of faces is taken for covered, and of how many people's."""
    device = next(net.parameters()).device
    shares = []
    for start in range(0, len(faces.clip), 64):
        pictures = faces.pictures[start : start + 64]
        small = np.stack(
            [cv2.resize(one, (COVER_PX, COVER_PX), interpolation=cv2.INTER_AREA) for one in pictures]
        )
        face = faces.face[start : start + 64, ::4, ::4]
        sure = answers(net, small, device) > SURE
        shares += ((sure & face).sum((1, 2)) / np.maximum(face.sum((1, 2)), 1)).tolist()
    of_people = [np.median(np.array(shares)[faces.clip == clip]) for clip in np.unique(faces.clip)]
    return {
        "share of faces": round(float(np.mean(shares)), 4),
        "crops": round(float((np.array(shares) > WORST_OF).mean()), 4),
        "people": round(float((np.array(of_people) > WORST_OF).mean()), 4),
        "of people": len(of_people),
    }


@torch.inference_mode()
def answers(net: CoverUNet, looked_at: NDArray[np.uint8], device: torch.device) -> NDArray[np.float32]:
    """(B,80,80,3) -> (B,40,40) in 0..1."""
    return torch.sigmoid(net(as_input(torch.from_numpy(looked_at).to(device)))[:, 0]).cpu().numpy()


if __name__ == "__main__":
    main()
