"""How likely the frames of a piano roll are: the literature's benchmark.

`rolls` reads the standard files, `crops` makes batches, `task` trains, `score` judges,
`table` sets the figures beside the published ones, `command` is the command.
"""
