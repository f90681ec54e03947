"""MAT on IEMOCAP, four classes, as published but for the protocol, which is honest by default.

Delbrouck, Tits, Dupont 2020 (arXiv 2010.02057). The original's command (ten runs with fresh seeds):

    python main.py --model Model_MAT --dataset IEMOCAP --multi_head 4 --ff_size 1024
      --hidden_size 512 --layer 2 --batch_size 32 --lr_base 0.0001 --dropout_r 0.1 --dropout_o 0.5

    python -m emojax.main --config=configs/iemocap_mat.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt

tests on Session 1 and chooses on Session 2, which is held out of training. `:as_published` chooses
on Session 1 itself, as the original does (its README: 72.5 % accuracy for an ensemble of five,
chosen on test as well). `:processed` reads the authors' files instead of records. `:demo` is small
enough for a laptop, over all five sessions; `:tiny` runs in seconds. Published size: about 0.5 s a
training step (batch of 32) on two CPU cores.
"""

from configs import common, modulated_fusion


def get_config(arg=None):
  chosen = common.arguments(arg, 'as_published', 'processed', 'demo', 'tiny')
  c = modulated_fusion.published(text=15, audio=40)
  c.protocol = 'iemocap/session1_as_published' if 'as_published' in chosen else 'iemocap/session1'
  c.heads.emotion = common.single_label(reduction='sum')
  if 'processed' in chosen:
    c = modulated_fusion.from_authors(c)
  if 'demo' in chosen:
    c.protocol = 'iemocap/loso5'
    c.streams.text.vectors = 'random'
    c.streams.text.width = 64
    c.model.update(hidden=64, feed_forward=128, num_layers=1)
    c.optim.learning_rate = 1e-3
    c.train.num_epochs = 10
    c.control.decay_times = 1
  return modulated_fusion.tiny(c) if 'tiny' in chosen else c
