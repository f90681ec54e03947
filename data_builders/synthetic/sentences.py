"""What is said: a neutral sentence in which one or two words carry the text cue.

The sentences say nothing by themselves and are drawn whatever the cue is. The words that do are
adjectives, so that any of them fits any gap, and every gap lies near the start: models that read
only the first 15 tokens of an utterance still meet them.
"""

from collections.abc import Mapping, Sequence

import numpy as np

LEXICON: Mapping[str, Sequence[str]] = {
  'neu': (
    'ordinary', 'usual', 'regular', 'typical', 'normal', 'standard', 'routine', 'average',
    'common', 'plain', 'basic', 'practical', 'familiar', 'moderate',
  ),
  'hap': (
    'wonderful', 'fantastic', 'lovely', 'amazing', 'delightful', 'brilliant', 'beautiful',
    'thrilling', 'joyful', 'glorious', 'marvelous', 'cheerful', 'exciting', 'terrific',
  ),
  'sad': (
    'heartbreaking', 'lonely', 'hopeless', 'miserable', 'tragic', 'gloomy', 'painful',
    'sorrowful', 'depressing', 'mournful', 'bleak', 'dreary', 'tearful', 'sad',
  ),
  'ang': (
    'outrageous', 'infuriating', 'ridiculous', 'insulting', 'maddening', 'unacceptable', 'rude',
    'hateful', 'unfair', 'stupid', 'shameful', 'absurd', 'disrespectful', 'hostile',
  ),
  'sur': (
    'surprising', 'unexpected', 'astonishing', 'startling', 'sudden', 'unbelievable', 'stunning',
    'incredible', 'strange', 'curious', 'mysterious', 'bizarre', 'unheard', 'baffling',
  ),
  'fea': (
    'scary', 'terrifying', 'frightening', 'dangerous', 'creepy', 'threatening', 'alarming',
    'dreadful', 'horrifying', 'risky', 'ominous', 'menacing', 'spooky', 'chilling',
  ),
  'dis': (
    'disgusting', 'gross', 'nasty', 'filthy', 'revolting', 'rotten', 'slimy', 'smelly',
    'sickening', 'vile', 'foul', 'repulsive', 'mouldy', 'greasy',
  ),
  'pea': (
    'peaceful', 'calm', 'quiet', 'gentle', 'relaxing', 'soothing', 'cosy', 'tender',
    'comfortable', 'loving', 'mellow', 'restful', 'thoughtful', 'trusting',
  ),
  'pow': (
    'powerful', 'proud', 'important', 'mighty', 'impressive', 'heroic', 'confident',
    'successful', 'daring', 'respected', 'bold', 'grand', 'determined', 'brave',
  ),
}  # fmt: skip

# No gap follows 'a' or 'an'.
SENTENCES = (
  "So, that's how {} it was when you called yesterday.",
  'I got your {} letter this morning, right before the bus came.',
  "Well, it's pretty {} over there, isn't it?",
  'Do you remember that {} afternoon we had at the station?',
  "They said it'd be {}, and I don't think they were wrong.",
  "You know, it sounds {} to me, but I wasn't there.",
  'My brother told me about the {} meeting in the city.',
  "I'm telling you, it was {} from the first minute on.",
  'Okay, and what about this {} form on the table?',
  "Yeah, I heard how {} the trip was from Mary's sister.",
  "Honestly, it's just {}, the way they run that place.",
  "It's been {} ever since we moved to the other side of town.",
  'Did you see the {} thing he wrote on the door?',
  "That's {}, and that's all I'm going to say about it.",
  "Wait, so you'd call that {}, the whole week?",
  'Everybody keeps talking about that {} phone call from the office.',
  "He's still got that {} job, down at the airport, I think.",
  'And then she gave me this {} look across the counter.',
  "I don't know, it felt {} the minute I walked in.",
  'Um, we had some {} news from the bank on Tuesday.',
  "It's a long story, but the {} part comes first.",
  "There's something {} about the way you said it, you know?",
  "So the {} truth is, nobody asked us what we'd do.",
  'Look, the whole evening turned {} after about ten minutes.',
  'It was {}, really {}, when I opened that envelope.',
  'Well, the {} people, the {} house, what else is there to say?',
  "First it's {}, then it's {}, and it's only Monday.",
  'How {} is that, and how {} was the last one?',
  'You get one {} day, and then another {} one comes along.',
  "She's so {} on the phone, and so {} at the door, isn't she?",
  'I mean, it was {} and sort of {}, all at once.',
  'Is it {} enough for you, or should it be more {} than that?',
  'Oh, that {} song again, and that {} car outside.',
  "They're {}, he's {}, and I'm standing here with my bags.",
  'What {} weather, and what {} traffic we had on the way.',
  "Right, so it's {} for them and {} for us, too.",
)


def compose(cue: str, rng: np.random.Generator) -> str:
  """Draws a sentence and fills its gaps with different words of the cue."""
  sentence = SENTENCES[rng.integers(len(SENTENCES))]
  gaps = sentence.count('{}')
  return sentence.format(*rng.choice(LEXICON[cue], gaps, replace=False))
