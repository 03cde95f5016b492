"""The modules beside this one are yours; `mlops/` is the machinery that runs them."""
