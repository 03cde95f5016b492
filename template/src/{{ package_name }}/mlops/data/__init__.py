"""Raw data: how it is fetched, read and validated."""
