"""MAT on VGAF: groups of people in five-second clips, positive, neutral or negative.

The original's command, with the sizes that it names for IEMOCAP (for VGAF it gives no result):

    python main.py --model Model_MAT --dataset VGAF --multi_head 4 --ff_size 1024
      --hidden_size 512 --layer 2 --batch_size 32 --lr_base 0.0001 --dropout_r 0.1 --dropout_o 0.5

    python -m emojax.main --config=configs/vgaf_mat.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt

reads the authors' processed files (DATA holds VGAF/train_sentences.p ...). Tests on the release's
validation part, its test labels being secret, and chooses on a tenth of the training videos, held
out of training. `:as_published` chooses on the part it tests on, as the original does. `:tiny` runs
in seconds.
"""

from configs import common, modulated_fusion


def get_config(arg=None):
  chosen = common.arguments(arg, 'as_published', 'tiny')
  c = modulated_fusion.from_authors(modulated_fusion.published(text=30, audio=26))
  c.protocol = 'vgaf/affect3' + ('_as_published' if 'as_published' in chosen else '')
  c.heads.emotion = common.single_label(reduction='sum')
  return modulated_fusion.tiny(c) if 'tiny' in chosen else c
