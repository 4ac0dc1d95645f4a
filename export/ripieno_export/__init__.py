"""Training and export: from a folder of music to a model folder that the daemon plays.

    sources · corpus · split      zips of MIDI → pieces with provenance, held-out apart
    tokenize · augment · turns    notes → varied crops → who plays what → events
    dataset                       packed once; a batch is a function of (seed, step)
    networks/                     one file a family
    preset · checkpoint · train   the recipe, the run, resumed bit for bit
    display                       what a run shows
    contexts · baselines          unigrams and Markov chains to be beaten
    evaluate                      held-out nats per event, beside Markov and unigram
    step · to_onnx · parity       the step graph, its export, its golden vectors
    card · publish · cli          models/<name>/

It may import the daemon's values and its session; the daemon never imports it.
"""
