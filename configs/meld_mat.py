"""MAT on MELD: seven emotions, or sentiment in three classes, rare ones weighted up.

The original's command, with the sizes that it names for IEMOCAP:

    python main.py --model Model_MAT --dataset MELD --task emotion --multi_head 4 --ff_size 1024
      --hidden_size 512 --layer 2 --batch_size 32 --lr_base 0.0001 --dropout_r 0.1 --dropout_o 0.5

    python -m emojax.main --config=configs/meld_mat.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt

reads records (`python -m data_builders.build meld`). Words: `:processed` reads the authors' files
instead (DATA holds MELD/train_sentences.p ...), `:emotion` (default; its README: 45 % accuracy for
an ensemble of nine, chosen on test), `:sentiment`, `:tiny` runs in seconds. `:as_published` changes
nothing: the parts are the release's, and the original chooses on validation here. The parts share
speakers.
"""

from configs import common, modulated_fusion

TASKS = ('emotion', 'sentiment')
# The original's: of its 4,709 neutral training utterances per utterance of the class.
EMOTION = (1.0, 4709 / 1205, 4709 / 268, 4709 / 683, 4709 / 1743, 4709 / 271, 4709 / 1109)
SENTIMENT = (1.0, 2.0, 1.6)  # likewise, rounded


def get_config(arg=None):
  chosen = common.arguments(arg, *TASKS, 'as_published', 'processed', 'tiny')
  c = modulated_fusion.published(text=30, audio=50)
  if 'processed' in chosen:
    c = modulated_fusion.from_authors(c)
  if common.one_of(chosen, *TASKS) == 'emotion':
    c.protocol = 'meld/emotion7'
    c.heads.emotion = common.single_label(reduction='sum', class_weights=EMOTION)
  else:
    c.protocol = 'meld/sentiment3'
    c.heads.sentiment = common.single_label(reduction='sum', class_weights=SENTIMENT)
  return modulated_fusion.tiny(c) if 'tiny' in chosen else c
