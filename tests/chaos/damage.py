"""Ways in which bytes are damaged: functions of (rng, content, other content) -> content."""


def flip(rng, content, _):
  content = bytearray(content)
  for _ in range(rng.choice((1, 1, 1, 2, 8))):
    content[place(rng, content)] ^= 1 << rng.randrange(8)
  return bytes(content)


def overwrite(rng, content, _):
  at, new = place(rng, content), rng.randbytes(rng.choice((1, 1, 2, 4, 16)))
  return (content[:at] + new + content[at + len(new):])[:len(content)]


def truncate(rng, content, _):
  return content[:place(rng, content)]


def swap(rng, content, _):
  a, b, c = sorted(place(rng, content) for _ in range(3))
  return content[:a] + content[b:c] + content[a:b] + content[c:]


def splice(rng, content, other):
  start, size = place(rng, other), rng.choice((8, 64, 1024))
  at = place(rng, content)
  return content[:at] + other[start:start + size] + content[at + rng.choice((0, size)):]


def delete(rng, content, _):
  at = place(rng, content)
  return content[:at] + content[at + rng.choice((1, 1, 8, 512)):]


def insert(rng, content, _):
  at = place(rng, content)
  return content[:at] + rng.randbytes(rng.choice((1, 1, 8, 512))) + content[at:]


def zeros(rng, content, _):
  """A block that never reached the disk."""
  at, size = _block(rng, content)
  return content[:at] + bytes(len(content[at:at + size])) + content[at + size:]


def duplicate(rng, content, _):
  at, size = _block(rng, content)
  return content[:at + size] + content[at:]


def exchange(rng, content, other):
  return other


def place(rng, content):
  """An index into `content`, one in four near its start or end, where the structure is."""
  near = rng.choice((0, 0, 0, 0, 0, 0, 1, -1))
  at = rng.randrange(len(content))
  return at % 64 if near > 0 else max(0, len(content) - 1 - at % 512) if near < 0 else at


def _block(rng, content):
  """(start, size) of a block as file systems have them, or of a small one."""
  size = rng.choice((16, 512, 4096))
  return place(rng, content) // size * size, size
