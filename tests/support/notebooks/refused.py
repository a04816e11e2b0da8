"""Notebooks that no job can be made of as they stand, and what each is told."""

from tests.support.notebooks.book import Book

REFUSED = (
    Book(
        name="r-kernel",
        text=r"""
# %%
x <- 1
""",
        refused=("notebook: its kernel speaks r",),
        language="R",
    ),
    Book(
        name="nothing",
        text=r"""
# %% markdown
# Empty
# %% skip
x = 1
""",
        refused=("notebook: no cell of it has code",),
    ),
    Book(
        name="undefined",
        text=r"""
# %%
print(deleted)
# %%
b = a + 1
# %%
a = 1
# %%
def f():
    return nowhere
print(_, Out[3])
""",
        refused=(
            "cell 1, line 1: deleted is bound by no cell",
            "cell 2, line 1: a is bound by cell 3 alone, which comes later",
            "cell 4, line 2: nowhere is bound by no cell",
            "cell 4, line 3: Out is what IPython remembers",
            "cell 4, line 3: _ is what IPython remembers",
        ),
    ),
    Book(
        name="no-python",
        text=r"""
# %%
x = 1
# %%
print 'two'
# %%
def f(:
    pass
# %%
y = 'open
""",
        refused=(
            "cell 2, line 1: it is no Python: Missing parentheses",
            "cell 3, line 1: it is no Python: ",
            "cell 4, line 1: it is no Python: unterminated string literal",
        ),
    ),
    Book(
        name="asks-a-person",
        text=r"""
# %%
import ipywidgets as widgets
from getpass import getpass
# %%
name = input('who? ')
key = getpass()
# %%
from ipywidgets import interact
@interact(x=(0, 10))
def show(x): ...
# %%
shell = get_ipython()
""",
        refused=(
            "cell 1, line 1: ipywidgets: a widget waits for a person",
            "cell 2, line 1: input() waits for a person",
            "cell 2, line 2: getpass() waits for a person",
            "cell 3, line 1: ipywidgets: a widget",
            "cell 4, line 1: get_ipython() is the open notebook",
        ),
    ),
    Book(
        name="the-internet",
        text=r"""
# %%
!wget -q https://example.com/x.zip && unzip x.zip
# %%
!git clone https://example.com/r.git
!apt-get install -y ffmpeg
!aws s3 cp s3://b/k .
# %%
import numpy as np
np.loadtxt('https://example.com/x.csv')
# %%
%conda install numpy
!pip install git+https://example.com/r.git
!pip install -r none.txt && ls
# %%
%%bash
curl -O https://example.com/x
""",
        refused=(
            "cell 1, line 1: wget needs the internet",
            "cell 2, line 1: git: nodes have no way",
            "cell 2, line 2: apt-get: packages of the system",
            "cell 2, line 3: aws: data comes by a channel",
            "cell 3, line 2: https://example.com/x.csv is on the internet",
            "cell 4, line 1: %conda: the image has no conda",
            "cell 4, line 2: pip install git+https://example.com/r.git: only names",
            "cell 4, line 3: pip install stands beside other commands",
            "cell 5, line 1: curl needs the internet",
        ),
    ),
    Book(
        name="paths-of-one-machine",
        text=r"""
# %%
import numpy as np
x = np.load('/home/ann/data/x.npy')
y = np.load('gone.npy')
# %%
DIR = '/content/drive/MyDrive/set'
# %%
np.loadtxt(f'/mnt/{x}/a.csv')
WIN = 'C:\\data\\x.csv'
# %%
files = !ls /home/ann/data
""",
        refused=(
            "cell 1, line 2: /home/ann/data/x.npy is a path of one machine: say which channel it is",
            "cell 1, line 3: gone.npy is not beside the notebook",
            "cell 2, line 1: /content/drive/MyDrive/set is a path of one machine",
            "cell 3, line 1: /mnt/ is a path of one machine",
            "cell 3, line 2: C:\\data\\x.csv is a path of one machine",
            "cell 4, line 1: /home/ann/data is a path of one machine",
        ),
    ),
    Book(
        name="magics-of-an-open-notebook",
        text=r"""
# %%
%run other.ipynb
# %%
%store x
%reset -f
%pylab inline
%nothing_known
# %%
%%R
x <- 1
# %%
%%cython
cdef int x
# %%
%%capture out
print(1)
# %%
t = %timeit -o 1 + 1
# %%
%%writefile /etc/x
no
""",
        refused=(
            "cell 1, line 1: %run: it runs another notebook",
            "cell 2, line 1: %store: ",
            "cell 2, line 2: %reset: ",
            "cell 2, line 3: %pylab: ",
            "cell 2, line 4: %nothing_known: it is no magic that a job could have",
            "cell 3, line 1: %%R: it is not Python",
            "cell 4, line 1: %%cython: ",
            "cell 5, line 1: %%capture keeps the output",
            "cell 6, line 1: %timeit: its answer",
            "cell 7, line 1: %%writefile /etc/x: only a file beside",
        ),
    ),
    Book(
        name="imports-that-nobody-has",
        text=r"""
# %%
import not_there_at_all
from . import utils
# %%
from ..src import model
%pip install nowhere-known
""",
        refused=(
            "notebook: the version of nowhere-known is not known",
            "cell 1, line 1: not_there_at_all is not installed here",
            "cell 1, line 2: from . import utils: a notebook is in no package",
            "cell 2, line 1: from ..src import model",
        ),
    ),
    Book(
        name="another-cloud",
        text=r"""
# %%
from google.colab import drive
drive.mount('/content/drive')
# %%
import IPython.display as ipd
ipd.Audio('x')
""",
        refused=(
            "cell 1, line 1: google.colab: it is Colab's",
            "cell 1, line 2: /content/drive is a path of one",
            "cell 2, line 1: IPython.display: of IPython a job",
        ),
    ),
)
