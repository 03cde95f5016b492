"""Reads a team's own data file and writes the files of a project that depend on it.

It runs in the project's environment, with the packages in requirements.txt on top of it; see
`__main__`. From the project it takes the machinery, under the name `mlops`.
"""
