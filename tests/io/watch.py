"""What Python does while untrusted bytes are read: reading them is all that may happen."""

import codecs
import contextlib
import os
import sys

CODECS = ('ascii', 'latin-1', 'utf-8', 'raw-unicode-escape', 'cp437')  # imported when first used

_events = None
_installed = []


@contextlib.contextmanager
def events():
  """A list that fills with what is imported, compiled, started, opened for writing, removed, ..."""
  global _events
  for codec in CODECS:
    codecs.lookup(codec)
  if not _installed:
    sys.addaudithook(_note)  # for good: Python takes none of them back
    _installed.append(True)
  _events = found = []
  try:
    yield found
  finally:
    _events = None


def _note(event, arguments):
  if _events is None or event == 'builtins.id':
    return
  if event == 'open' and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
    return
  _events.append((event, *(str(argument)[:100] for argument in arguments)))
