"""MAT on CMU-MOSEI: sentiment in seven classes or two, or any of six emotions.

The original's command, with the sizes that it names for IEMOCAP:

    python main.py --model Model_MAT --dataset MOSEI --task sentiment --multi_head 4 --ff_size 1024
      --hidden_size 512 --layer 2 --batch_size 32 --lr_base 0.0001 --dropout_r 0.1 --dropout_o 0.5

    python -m emojax.main --config=configs/mosei_mat.py:sentiment2 --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt

reads the authors' processed files (DATA holds MOSEI/train_sentences.p ...). Words: `:sentiment7`
(default; --task sentiment), `:sentiment2` (negative or not; --task_binary True; its README: 82.2 %
for an ensemble of nine, chosen on test), `:emotion` (six labels, each there or not; --task
emotion), `:tiny` runs in seconds. `:as_published` changes nothing: the parts are the release's, and
the original chooses on validation here.
"""

from configs import common, modulated_fusion

TASKS = ('sentiment7', 'sentiment2', 'emotion')


def get_config(arg=None):
  chosen = common.arguments(arg, *TASKS, 'as_published', 'tiny')
  task = common.one_of(chosen, *TASKS)
  c = modulated_fusion.from_authors(modulated_fusion.published(text=30, audio=50))
  if task == 'emotion':
    c.protocol = 'mosei/emotion6'
    c.heads.emotion = common.multi_label(reduction='sum')
  else:
    c.protocol = f'mosei/{task}'
    c.heads.sentiment = common.single_label(reduction='sum')
  return modulated_fusion.tiny(c) if 'tiny' in chosen else c
