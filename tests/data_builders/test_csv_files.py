"""The csv files of releases, as other programs save them."""

import pytest

from data_builders.corpora import csv_files

TEXT = 'Sr No.,Utterance,Speaker\r\n1,"You’re a genius, I said",Joey\r\n\r\n2, “What?” ,Ross\r\n'


@pytest.fixture
def path(tmp_path):
  return tmp_path / 'x.csv'


@pytest.mark.parametrize('content', [
  TEXT.encode(), b'\xef\xbb\xbf' + TEXT.encode(), TEXT.encode('cp1252'),
  TEXT.replace('\r\n', '\n').encode()])
def test_whatever_wrote_it_the_rows_are_the_same(path, content):
  path.write_bytes(content)
  assert csv_files.read(path, ['Utterance', 'Speaker'], ['Sr No.']) == [
    {'Sr No.': '1', 'Utterance': 'You’re a genius, I said', 'Speaker': 'Joey'},
    {'Sr No.': '2', 'Utterance': '“What?”', 'Speaker': 'Ross'}]


@pytest.mark.parametrize('header, message', [
  ('Utterance,Speakers', r"'Speaker' is missing \(did you mean 'Speakers'\?\)"),
  ('Utterance', "'Speaker' is missing. It has Utterance; expected: Utterance, Speaker"),
  ('Utterance,Speaker,Sr No', r"'Sr No' is unknown \(did you mean 'Sr No.'\?\)"),
  ('Utterance,Speaker,Speaker', "'Speaker' stands there twice"),
  ('', 'It has nothing'),
])
def test_another_header_is_refused_with_the_nearest_names(path, header, message):
  path.write_text(f'{header}\na,b\n')
  with pytest.raises(ValueError, match=message):
    csv_files.read(path, ['Utterance', 'Speaker'], ['Sr No.'])


def test_a_row_of_another_length_is_refused_with_its_line(path):
  path.write_text('Utterance,Speaker\na,b\na, c,b\n')
  with pytest.raises(ValueError, match='line 3: 3 values for 2 columns; is a quote missing'):
    csv_files.read(path, ['Utterance', 'Speaker'])
