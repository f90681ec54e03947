"""What an examination finds: one line per thing, each that is wrong with what to do."""

from typing import NamedTuple

OK, NOTE, WRONG = 'ok', 'note', 'wrong'


class Finding(NamedTuple):
  """One thing that was looked at: `what` it is, and what there is to say of it."""

  state: str  # OK; NOTE: worth knowing, may be as it should; WRONG
  what: str
  text: str


def ok(what: object, text: str) -> Finding:
  return Finding(OK, str(what), text)


def note(what: object, text: str) -> Finding:
  return Finding(NOTE, str(what), text)


def wrong(what: object, text: str, mend: str) -> Finding:
  """`mend`: what to do."""
  return Finding(WRONG, str(what), f'{text.rstrip(".")}. {mend}')
