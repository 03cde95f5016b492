"""One module for each file that is written; each has one function `text`."""
