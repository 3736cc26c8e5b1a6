"""Weights shared between projects: checked by content, read-only, laid out as the Hugging Face hub does.

<cache>/models--<org>--<name>/blobs/<etag>             the content, mode 0444, put there whole by a rename
<cache>/models--<org>--<name>/snapshots/<commit>/<file>   relative links to the blobs
<cache>/models--<org>--<name>/heygem.json               which model this is, and the sha256 of every file
<cache>/<model>                                        or simply a folder, or a link to one, put there by hand
<cache>/quarantine/                                    content that was not what it should be
<cache>/licences.json                                  licences that were accepted here
"""
