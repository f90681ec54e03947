"""MDRE, two GRUs, on IEMOCAP, as published but for an honest protocol.

Yoon, Byun, Jung 2018 (arXiv 1810.04635). The original's command, for each of its five sets:

    python train_multi.py --batch_size 128 --lr 0.001 --num_train_steps 10000 --is_save 0
      --use_glove 1 --data_path ../data/target/audio_woZ_set01/ --graph_prefix NAME
      --encoder_size_audio 750 --num_layer_audio 1
      --hidden_dim_audio 200 --dr_audio 0.7 --encoder_size_text 128 --num_layer_text 1
      --hidden_dim_text 200 --dr_text 0.3

    python -m emojax.main --config=configs/iemocap_mse_mdre.py --config.data.path=DATA
      --config.streams.text.vectors=glove.840B.300d.txt

tests on each session in turn. `:as_published` divides utterances as the original's seeds do (its
paper: weighted accuracy 0.718); `:processed` reads the authors' files. `:tiny` runs in seconds.
Flags and fields side by side: `configs/mse.py`.
"""

from configs import common, mse


def get_config(arg=None):
  chosen = common.arguments(arg, 'as_published', 'processed', 'tiny')
  return mse.published(
    'mse_mdre', chosen, streams=('text', 'audio'), hidden_audio=200, hidden_text=200,
    num_layers_audio=1, num_layers_text=1, dropout_audio=0.3, dropout_text=0.7)
