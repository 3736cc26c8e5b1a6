"""`python -m heygem templates`: the library from the command line, while no HeyGem serves its data folder."""

import argparse
from pathlib import Path

from heygem.cli_options import check_inputs
from heygem.console import complain, say, table
from heygem.ending import expect_alive
from heygem.errors import HeyGemError
from heygem.jobs.engine_set import EngineBuilder
from heygem.library.shelf import TemplateLibrary, title_of
from heygem.library.template import Template, advice_on
from heygem.settings import Settings
from heygem.studio import Studio


def add_template_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="show all templates")
    add = actions.add_parser("add", help="add videos or photos, and prepare them")
    add.add_argument("files", type=Path, nargs="+")
    rename = actions.add_parser("rename", help="call a template something else")
    rename.add_argument("id")
    rename.add_argument("name")
    delete = actions.add_parser("delete", help="forget templates; videos made with them stay")
    delete.add_argument("ids", nargs="+", metavar="id")
    prepare = actions.add_parser("prepare", help="prepare templates ahead, so that their first video is fast")
    prepare.add_argument("ids", nargs="*", metavar="id", help="default: all")


def templates(arguments: argparse.Namespace, settings: Settings, build_engines: EngineBuilder | None) -> int:
    """Show, add, rename, delete or prepare templates of the library."""
    studio = Studio(settings, build_engines, prepare_ahead=False)
    try:
        return _ACTIONS[arguments.action](studio, arguments)
    finally:
        studio.stop()


def _list(studio: Studio, arguments: argparse.Namespace) -> int:
    library = studio.library
    rows = [_row(library, template) for template in library.all()]
    say(table(("id", "name", "state", "used", "advice"), rows))
    return 0


def _row(library: TemplateLibrary, template: Template) -> tuple[str, ...]:
    state = "prepared" if library.is_prepared(template) else "not prepared"
    advice = template.error_message or " ".join(advice_on(template))
    return template.id, title_of(template, "en"), state, str(template.use_count), advice


def _add(studio: Studio, arguments: argparse.Namespace) -> int:
    check_inputs(*arguments.files)
    added, failed = [], False
    for path in arguments.files:
        try:
            added.append(studio.library.add(path))
        except HeyGemError as error:
            failed = True
            complain(f"heygem: {error}")
    return max(int(failed), _prepare_these(studio, [template.id for template in added]))


def _rename(studio: Studio, arguments: argparse.Namespace) -> int:
    studio.library.rename(arguments.id, arguments.name)
    return 0


def _delete(studio: Studio, arguments: argparse.Namespace) -> int:
    for template_id in arguments.ids:
        studio.library.delete(template_id)
    return 0


def _prepare(studio: Studio, arguments: argparse.Namespace) -> int:
    return _prepare_these(studio, arguments.ids or [template.id for template in studio.library.all()])


def _prepare_these(studio: Studio, ids: list[str]) -> int:
    """Prepare them now and say how each turned out; 1 if one cannot be used."""
    for template_id in ids:
        studio.library.prepare(template_id, now=True)
    studio.start(wait_for_page=False)
    for template_id in ids:
        studio.wait_until(lambda template_id=template_id: not studio.library.will_prepare(template_id))  # type: ignore[misc]
        expect_alive(studio.status().engine)
        template = studio.library.get(template_id)
        say(f"{template.id}  {title_of(template, 'en')}: {template.error_message or 'prepared'}")
    return int(any(studio.library.get(template_id).error_message for template_id in ids))


_ACTIONS = {"list": _list, "add": _add, "rename": _rename, "delete": _delete, "prepare": _prepare}
