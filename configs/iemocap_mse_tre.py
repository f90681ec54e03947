"""TRE, a GRU over words, on IEMOCAP, as published but for an honest protocol.

Yoon, Byun, Jung 2018 (arXiv 1810.04635). The original's command, for each of its five sets:

    python train_text.py --batch_size 128 --lr 0.001 --num_train_steps 10000 --is_save 0
      --use_glove 1 --data_path ../data/target/audio_woZ_set01/ --graph_prefix NAME
      --encoder_size 128 --num_layer 1 --hidden_dim 200 --dr 0.3

    python -m emojax.main --config=configs/iemocap_mse_tre.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt

tests on each session in turn. `:as_published` divides utterances as the original's seeds do (its
paper: weighted accuracy 0.635); `:processed` reads the authors' files. `:tiny` runs in seconds.
Flags and fields side by side: `configs/mse.py`.
"""

from configs import common, mse


def get_config(arg=None):
  chosen = common.arguments(arg, 'as_published', 'processed', 'tiny')
  return mse.published(
    'mse_tre', chosen, streams=('text',), hidden=200, num_layers=1, dropout=0.7)
