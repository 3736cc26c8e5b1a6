"""`python -m heygem models list | pull | verify | link | prune | import`. Imports no torch."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from heygem.console import ProgressLine, byte_size, complain, say, table
from heygem.errors import HeyGemError, LicenceError, SettingsError
from heygem.models.cache.licences import accept, to_accept
from heygem.models.cache.sources import Source, read_sources, sources_named
from heygem.models.cache.upkeep import find_waste, link_into, quarantine_damaged, remove_waste
from heygem.models.manifest import Manifest
from heygem.models.placed import PlacedModel
from heygem.settings import Settings

_DONE, _FAILED = 0, 1

Action = Callable[[argparse.Namespace, Settings, Manifest], int]


def add_models_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions and what each takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_action(actions, "list", list_models)
    pulled = _add_action(actions, "pull", pull_models)
    pulled.add_argument("names", nargs="+", metavar="NAME", help="a model or a group, such as musetalk")
    pulled.add_argument("--accept-licence", action="store_true", help="accept the licences that are shown")
    verified = _add_action(actions, "verify", verify_models)
    verified.add_argument("names", nargs="*", metavar="NAME", help="default: every model that is there")
    verified.add_argument("--repair", action="store_true", help="fetch damaged files again")
    verified.add_argument("--trust", action="store_true", help="accept files that you replaced yourself")
    linked = _add_action(actions, "link", link_models)
    linked.add_argument("folder", type=Path, metavar="DIR", help="models folder of another project")
    linked.add_argument("names", nargs="*", metavar="NAME", help="default: every model of the cache")
    pruned = _add_action(actions, "prune", prune_models)
    pruned.add_argument("--dry-run", action="store_true", help="say what would go, and leave it")
    imported = _add_action(actions, "import", import_models)
    imported.add_argument("path", type=Path, metavar="PATH", help="the folder that holds the weights")
    imported.add_argument("--name", help="what the model is called (default: the name of the folder)")


def run_models(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do the action that was asked for; returns the exit code."""
    manifest = Manifest.load(settings.models_dir, settings.cache_dir, settings.model_cache_dir)
    action: Action = arguments.act
    return action(arguments, settings, manifest)


def list_models(arguments: argparse.Namespace, settings: Settings, manifest: Manifest) -> int:
    """Show which models there are, how large they are, and where they lie."""
    rows = [
        (name, "bundled", byte_size(manifest.bytes_of(name)), licence, str(settings.models_dir / name))
        for name, licence in _bundled(manifest).items()
        if manifest.is_present(name)
    ]
    here = {
        name: manifest.placed.find(name) for name in manifest.placed.names() if name not in _bundled(manifest)
    }
    rows += [
        (model.name, _ORIGINS[model.origin], byte_size(model.bytes), model.licence or "?", str(model.folder))
        for model in here.values()
        if model is not None
    ]
    rows += [
        (
            source.name,
            f"pull {source.group}",
            byte_size(size) if (size := sum(file.bytes for file in source.files)) else "?",
            source.licence,
            "-",
        )
        for source in read_sources(settings.models_dir)
        if source.name not in here
    ]
    say(
        table(
            ("model", "from", "size", "licence", "folder"),
            [(*row[:3], _short(row[3]), row[4]) for row in rows],
        )
    )
    cache_bytes = sum(record.bytes for _, record in manifest.placed.cache.records())
    waste_bytes = sum(waste.bytes for waste in find_waste(manifest.placed.cache))
    root = manifest.placed.cache.root
    say(f"\n{root}: {byte_size(cache_bytes)} of models, {byte_size(waste_bytes)} to prune.")
    return _DONE


def pull_models(arguments: argparse.Namespace, settings: Settings, manifest: Manifest) -> int:
    """Fetch models from the Hugging Face hub, or go on where that was interrupted."""
    known = read_sources(settings.models_dir)
    wanted = list(dict.fromkeys(source for name in arguments.names for source in sources_named(known, name)))
    _settle_licences(wanted, manifest, arguments.accept_licence)
    for source in wanted:
        found = manifest.placed.find(source.name)
        if found is not None:
            manifest.placed.verify(found)
            say(f"{source.name}: already there, in {found.folder}")
        else:
            _pull(source, manifest)
    return _DONE


def verify_models(arguments: argparse.Namespace, settings: Settings, manifest: Manifest) -> int:
    """Read every file again and compare it with what it should be."""
    names = arguments.names or [*_bundled(manifest), *_placed_names(manifest)]
    outcome = _DONE
    for name in names:
        try:
            say(f"{name}: {_verified(name, manifest, trust=arguments.trust)}")
        except HeyGemError as error:
            if not (arguments.repair and _repaired(name, settings, manifest)):
                complain(f"{name}: {error}")
                outcome = _FAILED
    return outcome


def link_models(arguments: argparse.Namespace, settings: Settings, manifest: Manifest) -> int:
    """Let another project use the models of the cache, through links: one copy for all."""
    names = arguments.names or [record.name for _, record in manifest.placed.cache.records()]
    for name in names:
        model = _placed(name, manifest)
        manifest.placed.verify(model)
        say(f"{link_into(arguments.folder.resolve(), model)} -> {model.folder}")
    if not names:
        say("The cache holds no model to link: pull or import one first.")
    return _DONE


def prune_models(arguments: argparse.Namespace, settings: Settings, manifest: Manifest) -> int:
    """Remove what no model needs: interrupted, damaged and replaced files."""
    cache, freed = manifest.placed.cache, 0
    for waste in list(find_waste(cache)):
        say(f"{waste.reason}: {waste.path} ({byte_size(waste.bytes)})")
        freed += waste.bytes
        if not arguments.dry_run:
            remove_waste(waste, cache)
    say(f"{byte_size(freed)} {'would be' if arguments.dry_run else 'were'} freed.")
    return _DONE


def import_models(arguments: argparse.Namespace, settings: Settings, manifest: Manifest) -> int:
    """Copy a folder of weights into the cache, checked and read-only."""
    from heygem.models.cache.importing import import_folder

    path = arguments.path.resolve()
    name = arguments.name or path.name
    if name in _bundled(manifest) or "/" in name or name.startswith("."):
        raise SettingsError(f"A model of your own cannot be called “{name}”: give another --name.")
    record = import_folder(path, name, manifest.placed.cache, read_sources(settings.models_dir))
    say(f"{name}: {len(record.files)} files, {byte_size(record.bytes)}")
    return _DONE


_ORIGINS: Mapping[str, str] = {"folder": "a folder", "cache": "cache", "hub": "Hugging Face cache"}


def _add_action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, act: Action
) -> argparse.ArgumentParser:
    text = (act.__doc__ or "").strip()
    parser = actions.add_parser(name, help=text, description=text)
    parser.set_defaults(act=act)
    # Also understood here: people name it last. SUPPRESS keeps what stands before the action.
    parser.add_argument("--model-cache-dir", default=argparse.SUPPRESS, help="the cache to work on")
    return parser


def _bundled(manifest: Manifest) -> dict[str, str]:
    """Licence by name."""
    return {file.model: file.licence for file in manifest.files}


def _placed_names(manifest: Manifest) -> list[str]:
    return [name for name in manifest.placed.names() if name not in _bundled(manifest)]


def _placed(name: str, manifest: Manifest) -> PlacedModel:
    found = manifest.placed.find(name)
    if found is None:
        manifest.verify(name)  # says what is missing, and what to do
        raise SettingsError(f"{name} comes with HeyGem: copy its folder.")
    return found


def _verified(name: str, manifest: Manifest, *, trust: bool = False) -> str:
    if name in _bundled(manifest):
        return f"{byte_size(manifest.verify(name, rehash=True).bytes_on_disk)}, right"
    model = _placed(name, manifest)
    manifest.placed.verify(model, rehash=True, trust=trust)
    return f"{byte_size(model.bytes)}, right"


def _repaired(name: str, settings: Settings, manifest: Manifest) -> bool:
    """Fetch damaged files anew; False if this model was not fetched in the first place."""
    sources = [source for source in read_sources(settings.models_dir) if source.name == name]
    if not sources or not quarantine_damaged(name, manifest.placed.cache):
        return False
    _pull(sources[0], manifest)
    return True


def _settle_licences(wanted: list[Source], manifest: Manifest, accepts: bool) -> None:
    """Show what was not accepted yet and have it accepted, once.

    Raises:
        LicenceError: it was not.
    """
    cache = manifest.placed.cache
    open_ones = to_accept([source for source in wanted if manifest.placed.find(source.name) is None], cache)
    if not open_ones:
        return
    for source in open_ones:
        say(f"{source.title}: {source.licence}\n    {source.licence_url}")
    if not accepts and sys.stdin.isatty():
        say("Do you accept? [y/N]")
        accepts = sys.stdin.readline().strip().lower() in ("y", "yes")
    if not accepts:
        raise LicenceError("Nothing was fetched: read the licences above, and add --accept-licence.")
    accept(open_ones, cache)


def _pull(source: Source, manifest: Manifest) -> None:
    from heygem.models.cache.pull import pull  # takes its time to import

    progress = ProgressLine(sys.stderr)
    try:
        record = pull(
            source,
            manifest.placed.cache,
            lambda path, done, total: progress.show(
                f"{source.name}: {path}", f"{byte_size(done)} of {byte_size(total)}"
            ),
        )
    finally:
        progress.close()
    say(f"{source.name}: {len(record.files)} files, {byte_size(record.bytes)}, contents checked")


def _short(licence: str) -> str:
    return licence if len(licence) <= 40 else licence[:39] + "…"
