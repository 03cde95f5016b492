"""The package of the default answers, for what only a whole package can do: name its candidates.

All else here imports the machinery as hooks/wire does, under the name `mlops`.
"""

from assembled import importable

importable()
