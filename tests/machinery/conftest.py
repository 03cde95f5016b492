"""The package as a project of the default answers has it, so that its modules can be imported."""

from assembled import importable

importable()
